"""Decided: under gevent a call stops every greenlet of its thread, and gevent's thread pool is the way out."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from pathlib import Path

from helpers import Answer, Request, serve

# Patched as a program under gevent is, before anything else is imported.
PROGRAM = """
    from gevent import monkey
    monkey.patch_all()
    import sys
    import gevent
    import requests
    import xacct_sign

    base = sys.argv[1]
    api = xacct_sign.Session(credentials=xacct_sign.Credentials("AKID", "secret"), region="us-east-1", base_url=base)
    happened = []

    other = gevent.spawn(happened.append, "another greenlet ran")
    api.get("/direct")
    happened.append("the call was answered")
    other.join()
    assert happened == ["the call was answered", "another greenlet ran"], happened

    # The server answers the one call only after the other has come.
    releases = gevent.spawn(requests.get, base + "/release", timeout=50)
    answer = gevent.get_hub().threadpool.spawn(api.get, "/held").get()
    assert answer.status_code == 200, answer.status_code
    assert releases.get().status_code == 200
"""


def test_decided_a_call_stops_all_greenlets_but_in_gevents_thread_pool(tmp_path: Path) -> None:
    is_released = threading.Event()

    def answer(request: Request) -> Answer:
        if request.target == "/release":
            is_released.set()
        if request.target == "/held":
            is_released.wait()
        return Answer()

    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    with serve(answer) as server:
        command = [sys.executable, "-W", "error::ResourceWarning", str(program), server.url]
        ran = subprocess.run(command, capture_output=True, text=True)
        is_released.set()
    assert ran.returncode == 0, ran.stderr
    assert [request.target for request in server.requests if request.target != "/release"] == ["/direct", "/held"]
