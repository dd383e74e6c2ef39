"""The adapters under load: a thousand calls over one refresh, and bodies that no memory should hold."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import trio
from adapters import SIGNED, each_adapter
from helpers import Answer, Request, fake_role, serve, sts_answer
from test_flows import check_signature
from xacct_sign.aiohttp import SigV4Middleware
from xacct_sign.httpx import SigV4Auth

# ---------------------------------------------------------------- loops

CALLS = 1000


@pytest.mark.parametrize("adapter", ["httpx", "httpx on trio", "aiohttp"])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_thousand_calls_wait_for_one_refresh_beside_the_loop(adapter: str) -> None:
    """STS answers only after the loop has gone on, with all of them waiting."""
    goes_on = threading.Event()

    def sts(_: Request) -> Answer:
        number = len(asked.requests)
        if number > 1:
            goes_on.wait()
        # The first serve for one call.
        return sts_answer(
            f"ASIAROLE{number}", f"role-secret-{number}", f"role-token-{number}", 0.2 if number == 1 else 3600
        )

    async def run() -> float:
        role = fake_role(asked)
        library: Any = trio if adapter == "httpx on trio" else asyncio
        clock = trio.current_time if library is trio else asyncio.get_running_loop().time
        longest = 0.0
        statuses: list[int] = []

        async def tick() -> None:
            nonlocal longest
            for number in range(100):
                before = clock()
                await library.sleep(0.005)
                longest = max(longest, clock() - before - 0.005)
                if number == 30:
                    goes_on.set()

        async def all_of(call: Callable[[], Any]) -> None:
            await call()
            # Until they have expired.
            await library.sleep(0.25)
            if library is trio:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(tick)
                    for _ in range(CALLS):
                        nursery.start_soon(call)
            else:
                await asyncio.gather(tick(), *(call() for _ in range(CALLS)))

        if adapter == "aiohttp":
            async with aiohttp.ClientSession(middlewares=[SigV4Middleware(role)]) as session:

                async def call() -> None:
                    async with session.get(server.url + "/hoge") as answer:
                        statuses.append(answer.status)

                await all_of(call)
        else:
            # Ten of them, as the time that httpx's pool takes grows with the square of those who wait for it.
            auth = SigV4Auth(role)
            async with AsyncExitStack() as stack:
                clients = [
                    await stack.enter_async_context(httpx.AsyncClient(auth=auth, timeout=None)) for _ in range(10)
                ]

                turns = itertools.cycle(clients)

                async def call() -> None:
                    client = next(turns)
                    statuses.append((await client.get(server.url + "/hoge")).status_code)

                await all_of(call)
        assert statuses == [200] * (CALLS + 1)
        return longest

    with serve(sts) as asked, serve() as server:
        longest = trio.run(run) if adapter == "httpx on trio" else asyncio.run(run())
    print(f"{adapter}: the loop stood still for at most {longest * 1000:.1f} ms")
    assert len(asked.requests) == 2
    keys = [check_signature(request, server, SIGNED) for request in server.requests[1:]]
    assert keys == ["ASIAROLE2"] * CALLS


def test_a_call_that_is_cancelled_ends_nothing_for_the_others() -> None:
    goes_on = threading.Event()

    def sts(_: Request) -> Answer:
        goes_on.wait()
        return sts_answer("ASIAROLE1", "role-secret-1", "role-token-1")

    async def run() -> None:
        async with aiohttp.ClientSession(middlewares=[SigV4Middleware(fake_role(asked))]) as session:

            async def call() -> int:
                async with session.get(server.url) as answer:
                    return answer.status

            first, second = asyncio.create_task(call()), asyncio.create_task(call())
            while not asked.requests:
                await asyncio.sleep(0.001)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            goes_on.set()
            assert await second == 200

    with serve(sts) as asked, serve() as server:
        asyncio.run(run())
    assert len(asked.requests) == 1


# ---------------------------------------------------------------- memory

UPLOAD = """
import sys
from pathlib import Path
import xacct_sign
from adapters import ADAPTERS
def peak():
    return int(next(l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmHWM")).split()[1])
adapter, url, path = sys.argv[1:]
signs = {"credentials": xacct_sign.Credentials("AKIDEXAMPLE", "secret"), "region": "eu-west-1"}
# aiohttp closes what it has sent.
with open(path, "rb") as file:
    file.seek(-100_000, 2)
    assert ADAPTERS[adapter](signs, "PUT", url, None, file).status == 200
before = peak()
with open(path, "rb") as file:
    assert ADAPTERS[adapter](signs, "PUT", url, None, file).status == 200
print(peak() - before)
"""


def swallow(listener: socket.socket, sizes: list[int]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, connection.makefile("rb") as stream:
            stream.readline()
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            left = length
            while left and (part := stream.read(min(left, 1 << 20))):
                left -= len(part)
            sizes.append(length - left)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")


@each_adapter
def test_a_file_of_200_mb_is_sent_within_20_mb(adapter: str, tmp_path: Path) -> None:
    path = tmp_path / "large"
    size = 200_000_000
    with path.open("wb") as file:
        file.truncate(size)
    listener = socket.create_server(("127.0.0.1", 0))
    sizes: list[int] = []
    thread = threading.Thread(target=swallow, args=(listener, sizes))
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    program = [sys.executable, "-c", UPLOAD, adapter, url, str(path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = subprocess.run(program, capture_output=True, text=True, env=environment)
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
    assert done.returncode == 0, done.stderr
    assert sizes == [100_000, size]
    assert int(done.stdout) < 20_000, f"{done.stdout} kB"
