"""One object for many threads, while its credentials change."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import xacct_sign
from emulator import Emulator
from helpers import REGION, Answer, Request, fake_role, serve, sts_answer
from xacct_sign.requests import SigV4Auth

THREADS = 16


def in_threads(call: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result() for future in [pool.submit(call, number) for number in range(THREADS)]]


def through_session(emulator: Emulator) -> Callable[[], tuple[int, Any]]:
    session = emulator.session()

    def call() -> tuple[int, Any]:
        response = session.put("/hoge", json={"foo": "bar"})
        return response.status_code, response.json()

    return call


def through_requests(emulator: Emulator) -> Callable[[], tuple[int, Any]]:
    auth, url = SigV4Auth(emulator.assume_role()), emulator.url("/hoge")

    def call() -> tuple[int, Any]:
        with requests.put(url, json={"foo": "bar"}, auth=auth, timeout=10) as response:
            return response.status_code, response.json()

    return call


@pytest.mark.parametrize("through", [through_session, through_requests])
def test_no_torn_credentials_while_they_refresh(
    short_lived: Emulator, through: Callable[[Emulator], Callable[[], tuple[int, Any]]]
) -> None:
    call = through(short_lived)
    end = time.monotonic() + 4.5

    def work(_: int) -> set[str]:
        keys = set()
        while time.monotonic() < end:
            status, shown = call()
            # A key with another's secret or token would be refused.
            assert status == 200, shown
            keys.add(shown["requestContext"]["authorizer"]["iam"]["accessKey"])
        return keys

    keys = set().union(*in_threads(work))
    assert len(keys) >= 3
    # One STS call for each: nobody fetched besides.
    assert short_lived.log().count(" sts POST / 200 ") == len(keys)


def test_a_signer_is_shared_over_days(credentials: xacct_sign.Credentials) -> None:
    from datetime import datetime, timedelta, timezone

    days = [datetime(2015, 8, 30, 23, 59, 59, tzinfo=timezone.utc) + timedelta(seconds=n) for n in range(4)]
    url = "https://api.example.com/"
    expected = [xacct_sign.Signer(credentials, REGION).sign("GET", url, now=day) for day in days]
    assert len({added["authorization"] for added in expected}) == 4
    shared = xacct_sign.Signer(credentials, REGION)

    def work(_: int) -> None:
        for _ in range(200):
            for day, added in zip(days, expected, strict=True):
                assert shared.sign("GET", url, now=day) == added

    in_threads(work)


@pytest.mark.parametrize("waits_for", ["the API", "STS"])
def test_other_threads_run_while_one_waits(waits_for: str, credentials: xacct_sign.Credentials) -> None:
    """Were the GIL held, the server, which is a thread of this process, could never see the counter move."""
    counter = itertools.count()
    stop = threading.Event()

    def count() -> None:
        while not stop.is_set():
            next(counter)
            time.sleep(0)

    def slow(_: Request) -> Answer:
        start = next(counter)
        while next(counter) < start + 1000:
            time.sleep(0)
        return sts_answer()

    with serve(slow) as server:
        worker = threading.Thread(target=count)
        worker.start()
        try:
            if waits_for == "STS":
                fake_role(server).credentials()
            else:
                xacct_sign.Session(credentials=credentials, region=REGION).get(server.url)
        finally:
            stop.set()
            worker.join()
    assert len(server.requests) == 1
    assert next(counter) > 1000


def test_a_session_may_be_dropped_while_others_use_its_role() -> None:
    with serve(lambda _: sts_answer()) as sts, serve() as api:
        role = fake_role(sts)

        def work(_: int) -> None:
            for _ in range(10):
                assert xacct_sign.Session(role).get(api.url).status_code == 200

        in_threads(work)
        assert len(sts.requests) == 1
