"""A forked child has connections and fetches of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from emulator import Emulator
from helpers import REGION, ROLE_ARN, Answer, Request, fake_role, serve, sts_answer
from xacct_sign._signing import Beside
from xacct_sign.aiohttp import SigV4Middleware
from xacct_sign.server import Verifier
from xacct_sign.server._scope import ScopeChecks


def in_child(work: Callable[[], bool]) -> bool:
    """Whether the work was done, in a forked child."""
    with warnings.catch_warnings():
        # Python warns of forks beside threads, which is what is tried here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        done = False
        try:
            done = work()
        finally:
            os._exit(0 if done else 1)
    _, status = os.waitpid(child, 0)
    return status == 0


def test_children_do_not_share_their_parents_connection(emulator: Emulator) -> None:
    session = emulator.session()

    def call(path: str) -> bool:
        return bool(session.get(emulator.url(path)).json()["path"] == path)

    assert call("/parent")
    assert all(in_child(lambda path=path: all(call(path) for _ in range(20))) for path in ("/one", "/two"))  # type: ignore[misc]
    assert call("/parent/again")


def test_a_child_forked_while_its_parent_fetches_fetches_itself() -> None:
    asked, forked = threading.Event(), threading.Event()

    def slowly(_: Request):  # type: ignore[no-untyped-def]
        first = not asked.is_set()
        asked.set()
        if first:
            forked.wait(30)
        return sts_answer()

    with serve(slowly) as sts:
        role = fake_role(sts)
        thread = threading.Thread(target=role.credentials)
        thread.start()
        assert asked.wait(10)

        def fetch() -> bool:
            return role.credentials().access_key_id != ""

        try:
            assert in_child(fetch)
        finally:
            forked.set()
            thread.join()


def test_a_child_forked_while_an_adapter_fetches_beside_its_loop_fetches_itself() -> None:
    """What its parent waits for never comes in the child, which has no such thread."""
    asked, forked = threading.Event(), threading.Event()
    url = "https://abc.execute-api.ap-northeast-1.amazonaws.com/"

    def slowly(_: Request) -> Answer:
        is_first = not asked.is_set()
        asked.set()
        if is_first:
            forked.wait(30)
        return sts_answer()

    with serve(slowly) as sts:
        beside = Beside(SigV4Middleware(fake_role(sts))._signing)
        of_parent = beside.fetch(url)
        assert asked.wait(10)

        def fetch() -> bool:
            of_child = beside.fetch(url)
            ready = of_child.result(10)
            return of_child is not of_parent and "authorization" in ready.sign("GET", url, {}, None)

        try:
            assert in_child(fetch)
            assert not of_parent.done()
        finally:
            forked.set()
        assert "authorization" in of_parent.result(10).sign("GET", url, {}, None)
    assert len(sts.requests) == 2


STORM = f"""
import datetime, itertools, os, signal, sys, threading
import xacct_sign
from xacct_sign._native import Signing

url, number = sys.argv[1], itertools.count()
later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
kept = Signing(lambda: xacct_sign.Credentials("ASIAKEPT", "secret", "token", later), {REGION!r}, None)
changing = Signing(lambda: xacct_sign.Credentials(f"ASIA{{next(number)}}", "secret", "token"), {REGION!r}, None)
session = xacct_sign.Session(credentials=xacct_sign.Credentials("AKIDEXAMPLE", "secret"), region={REGION!r})
base = xacct_sign.Credentials("AKIDBASE", "secret")
role = xacct_sign.AssumeRole({ROLE_ARN!r}, region={REGION!r}, base=base, sts_endpoint=url)


def sign():
    while True:
        kept.ready(url)
        changing.ready(url)
        role.credentials()


def send():
    while True:
        session.get(url)


for work in (sign, sign, send, send):
    threading.Thread(target=work, daemon=True).start()
for _ in range(300):
    child = os.fork()
    if child == 0:
        # It ends even where it hangs.
        signal.alarm(20)
        key = role.credentials().access_key_id
        status = session.get(url).status_code
        signed = [signing.ready(url).sign("GET", url, {{}}, b"") for signing in (kept, changing)]
        os._exit(0 if (key, status, len(signed)) == ("ASIAFAKE", 200, 2) else 1)
    status = os.waitpid(child, 0)[1]
    assert status == 0, status
os._exit(0)
"""


def test_children_of_busy_parents_wait_for_nobody() -> None:
    """A lock that a thread of the parent's holds is held in the child forever."""
    with serve(lambda _: sts_answer()) as server:
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", STORM, server.url]
        done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_child_waits_for_no_check_of_its_parents() -> None:
    listed = {"name": "shop", "account": "000000000000", "role": "Shop"}
    callers = {
        "version": 1,
        "stage": "prod",
        "target": "server",
        "partition": "aws",
        "audience": "https://api.example.com",
    }
    callers |= {"algorithm": "ES384", "max_duration_seconds": 3600, "regions": [REGION], "callers": [listed]}
    checks = ScopeChecks(Verifier(callers))
    began, goes_on = threading.Event(), threading.Event()

    def check() -> str:
        began.set()
        goes_on.wait(60)
        return "parent"

    def run(check: Callable[[], str]) -> str:
        return asyncio.run(asyncio.wait_for(checks._lane("token").run(1, 1, check, lambda: None), 30))

    with ThreadPoolExecutor() as beside:
        parent = beside.submit(run, check)
        assert began.wait(60)
        assert in_child(lambda: run(lambda: "child") == "child")
        goes_on.set()
        assert parent.result() == "parent"
