"""200 MB through a function URL: they come through in pieces, and nobody on the way holds them."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from emulator import FRONTS, Emulator, cli

LARGE = 200_000_000
MOST = 20_000_000
"""What they may take of memory, of the client and of the emulator."""


class _Large(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        size = LARGE if self.path == "/large" else 1
        self.send_header("content-length", str(size))
        self.end_headers()
        part = bytes(100_000)
        for begin in range(0, size, len(part)):
            self.wfile.write(part[: size - begin])

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def fronts() -> Iterator[Emulator]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Large)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    with Emulator("--upstream", f"http://127.0.0.1:{server.server_address[1]}", manifest=FRONTS) as emulator:
        yield emulator
    server.shutdown()
    server.server_close()
    thread.join()


PROGRAM = """
import os, sys, xacct_sign

def most_memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM:"))

own = xacct_sign.Environment()
session = xacct_sign.Session(credentials=own, region=sys.argv[1], service="lambda", base_url=sys.argv[2])
session.get("/small", stream=True).content
before = most_memory()
with session.get("/large", stream=True) as answer:
    count = sum(map(len, answer.iter_content(1 << 16)))
print(count, most_memory() - before)
"""


def test_a_session_streams_200_mb_through_a_function_url(fronts: Emulator) -> None:
    environment = {**os.environ, **fronts.environment(stage="urld")}
    before = fronts.most_memory()
    command = [sys.executable, "-c", PROGRAM, fronts.region, fronts.url(stage="urld")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    count, memory = map(int, done.stdout.split())
    assert count == LARGE
    assert memory <= MOST
    assert fronts.most_memory() - before <= MOST


def test_the_command_writes_200_mb_of_a_function_url_to_a_file(fronts: Emulator, tmp_path: Path) -> None:
    environment = {**os.environ, **fronts.environment(stage="urld")}
    down = tmp_path / "down"
    # What the last child took at most; the small call says what the command takes by itself.
    program = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10)
"""
    before, taken = fronts.most_memory(), {}
    for path in ("/small", "/large"):
        call = [str(cli()), "call", "--region", fronts.region, "--service", "lambda", "-o", str(down)]
        command = [sys.executable, "-c", program, *call, fronts.url(path, "urld")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        taken[path] = int(done.stdout)
    assert down.stat().st_size == LARGE
    assert taken["/large"] - taken["/small"] <= MOST
    assert fronts.most_memory() - before <= MOST
