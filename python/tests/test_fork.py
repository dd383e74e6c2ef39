"""A forked child has connections and fetches of its own."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable

from emulator import Emulator
from helpers import Answer, Request, fake_role, serve, sts_answer
from xacct_sign._signing import Beside
from xacct_sign.aiohttp import SigV4Middleware


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
