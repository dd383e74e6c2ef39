"""One object for many threads, while its credentials change."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import requests
import xacct_sign
from botocore.credentials import ReadOnlyCredentials
from emulator import Emulator
from helpers import REGION, Answer, Request, fake_role, serve, signature, sts_answer
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


# ---------------------------------------------------------------- many at once


def test_one_call_for_64_threads_at_a_fresh_role() -> None:
    began = threading.Barrier(64)
    everybody = threading.Event()

    def slowly(_: Request) -> Answer:
        # The others are on their way by then.
        assert everybody.wait(30)
        return sts_answer(f"ASIA{len(sts.requests)}")

    with serve(slowly) as sts:
        role = fake_role(sts)

        def work() -> str:
            if began.wait() == 0:
                everybody.set()
            return role.credentials().access_key_id

        with ThreadPoolExecutor(64) as pool:
            keys = [future.result() for future in [pool.submit(work) for _ in range(64)]]
        assert keys == ["ASIA1"] * 64
        assert len(sts.requests) == 1


@pytest.mark.parametrize("through", ["to_thread", "run_in_executor"])
def test_one_call_for_1000_tasks_at_a_fresh_role(through: str) -> None:
    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                # The answer comes once the loop has gone on while everybody waits.
                if ticks == 100:
                    goes_on.set()
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        with ThreadPoolExecutor(64) as pool:
            if through == "to_thread":
                tasks = [asyncio.to_thread(role.credentials) for _ in range(1000)]
            else:
                tasks = [loop.run_in_executor(pool, role.credentials) for _ in range(1000)]  # type: ignore[misc]
            got = await asyncio.gather(*tasks)
        ticking.cancel()
        return [credentials.access_key_id for credentials in got]

    goes_on = threading.Event()

    def slowly(_: Request) -> Answer:
        assert goes_on.wait(30)
        return sts_answer(f"ASIA{len(sts.requests)}")

    with serve(slowly) as sts:
        role = fake_role(sts)
        assert asyncio.run(main()) == ["ASIA1"] * 1000
        assert len(sts.requests) == 1


NOW = datetime(2015, 8, 30, 12, 36, tzinfo=timezone.utc)
URL = "https://api.example.com/"


def generation(number: int) -> tuple[str, str, str]:
    return f"AKID{number}", f"secret-{number}", f"token-{number}"


def expected(number: int) -> str:
    """What botocore signs with a generation."""
    key, secret, token = generation(number)
    request = botocore.awsrequest.AWSRequest("GET", URL, {"X-Amz-Date": NOW.strftime("%Y%m%dT%H%M%SZ")})
    request.context["timestamp"] = request.headers["X-Amz-Date"]
    signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(key, secret, token), "execute-api", REGION)
    request.headers["X-Amz-Security-Token"] = token
    canonical = signer.canonical_request(request)
    return str(signer.signature(signer.string_to_sign(request, canonical), request))


class Rotating:
    """Credentials of a new generation every fifty times that somebody asks: many in each millisecond."""

    def __init__(self) -> None:
        self._asked = itertools.count()

    def next(self) -> tuple[str, str, str]:
        return generation(next(self._asked) // 50)


class Ours(Rotating):
    def __call__(self) -> xacct_sign.Credentials:
        return xacct_sign.Credentials(*self.next())


class Botocores(botocore.credentials.Credentials):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__(*generation(0))
        self.rotating = Rotating()

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return ReadOnlyCredentials(*self.rotating.next())


class Brief:
    """Those that last a moment, so that what keeps them asks again and again."""

    def __init__(self) -> None:
        self.count = itertools.count()

    def __call__(self) -> xacct_sign.Credentials:
        expires_at = datetime.now(timezone.utc) + timedelta(milliseconds=40)
        return xacct_sign.Credentials(*generation(next(self.count)), expires_at)


@pytest.mark.parametrize(
    ("source", "generations"),
    [(Ours(), 1000), (Botocores(), 1000), (Brief(), 3)],
    ids=["callable", "botocore", "kept"],
)
def test_no_torn_credentials_in_100_000_signatures(source: Any, generations: int) -> None:
    signer = xacct_sign.Signer(source, REGION)

    def sign() -> dict[str, str] | None:
        # A busy machine may take longer than they last.
        with contextlib.suppress(xacct_sign.CredentialsError):
            return signer.sign("GET", URL, now=NOW)
        return None

    def work(_: int) -> set[tuple[str, str, str]]:
        seen: set[tuple[str, str, str]] = set()
        count = 0
        while count < 100_000 // THREADS or len(seen) < 3:
            if added := sign():
                key = added["authorization"].partition("Credential=")[2].partition("/")[0]
                seen.add((key, added["x-amz-security-token"], signature(added["authorization"])))
                count += 1
        return seen

    seen = set().union(*in_threads(work))
    assert len(seen) >= generations
    for key, token, made in seen:
        number = int(key.removeprefix("AKID"))
        assert (key, token) == (generation(number)[0], generation(number)[2])
        assert made == expected(number)
