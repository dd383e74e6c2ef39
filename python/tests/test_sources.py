"""What may give credentials: to whoever assumes a role, and to whoever signs."""

from __future__ import annotations

import gc
import threading
import time
import traceback
import weakref
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import botocore.session
import pytest
import requests
import xacct_sign
from botocore.credentials import Credentials as BotocoreCredentials
from botocore.credentials import DeferredRefreshableCredentials, ReadOnlyCredentials, RefreshableCredentials
from emulator import Emulator
from helpers import BRIEF, REGION, ROLE_ARN, Server, authorization, fake_role, serve, sts_answer, sts_error
from xacct_sign.requests import SigV4Auth

URL = "https://api.example.com/"
KEYS = ("AKIDEXAMPLE", "secret", "token")


def boto3_session() -> boto3.Session:
    return boto3.Session(*KEYS, region_name=REGION)


def botocore_session() -> botocore.session.Session:
    session = botocore.session.Session()
    session.set_credentials(*KEYS)
    return session


def metadata() -> dict[str, str]:
    later = datetime.now(timezone.utc) + timedelta(hours=1)
    return {"access_key": KEYS[0], "secret_key": KEYS[1], "token": KEYS[2], "expiry_time": later.isoformat()}


class Subclass(boto3.Session):
    """As a program may have its own."""


SOURCES: dict[str, Callable[[], Any]] = {
    "credentials": lambda: xacct_sign.Credentials(*KEYS),
    "function": lambda: lambda: xacct_sign.Credentials(*KEYS),
    "function of botocore's": lambda: lambda: BotocoreCredentials(*KEYS),
    "function of frozen ones": lambda: lambda: ReadOnlyCredentials(*KEYS),
    "method": lambda: boto3_session().get_credentials,
    "boto3 session": boto3_session,
    "subclass of boto3's session": lambda: Subclass(*KEYS),
    "botocore session": botocore_session,
    "botocore credentials": lambda: BotocoreCredentials(*KEYS),
    "refreshable": lambda: RefreshableCredentials.create_from_metadata(metadata(), metadata, "test"),
    "deferred": lambda: DeferredRefreshableCredentials(metadata, "test"),
    "frozen": lambda: ReadOnlyCredentials(*KEYS),
}


def signed_by(headers: dict[str, str]) -> tuple[str, str | None]:
    return headers["authorization"].partition("Credential=")[2].partition("/")[0], headers.get("x-amz-security-token")


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_every_source_assumes_a_role_and_signs(make: Callable[[], Any]) -> None:
    with serve(lambda _: sts_answer()) as sts, serve() as api:
        fake_role(sts, base=make()).credentials()
        session = xacct_sign.Session(ROLE_ARN, region=REGION, credentials=make())
        assert session is not None
        xacct_sign.Session(credentials=make(), region=REGION).get(api.url)
        requests.get(api.url, auth=SigV4Auth(credentials=make(), region=REGION), timeout=10)
        sent = [request.headers for request in sts.requests + api.requests]
    headers = xacct_sign.Signer(make(), REGION).sign("GET", URL)
    assert [signed_by(each) for each in [*sent, headers]] == [(KEYS[0], KEYS[2])] * 4
    # The secret is the right one, too.
    now = datetime.now(timezone.utc)
    expected = xacct_sign.Signer(xacct_sign.Credentials(*KEYS), REGION).sign("GET", URL, now=now)
    assert xacct_sign.Signer(make(), REGION).sign("GET", URL, now=now) == expected


def test_a_role_is_the_base_of_another() -> None:
    def answer(request: Any) -> Any:
        return sts_answer("ASIASECOND" if "ASIAFIRST/" in request.headers["authorization"] else "ASIAFIRST")

    with serve(answer) as sts:
        first = fake_role(sts)
        second = fake_role(sts, role_arn="arn:aws:iam::222222222222:role/Next", base=first)
        assert second.credentials().access_key_id == "ASIASECOND"
        assert [request.form["RoleArn"] for request in sts.requests] == [ROLE_ARN, second.role_arn]
        # What the first has serves both.
        assert first.credentials().access_key_id == "ASIAFIRST"
        assert len(sts.requests) == 2


def test_a_base_is_asked_at_each_refresh_and_only_then() -> None:
    asked: list[int] = []

    def base() -> xacct_sign.Credentials:
        asked.append(threading.get_ident())
        return xacct_sign.Credentials(f"AKID{len(asked)}", "secret")

    with serve(lambda _: sts_answer(lifetime=BRIEF)) as sts:
        role = fake_role(sts, base=base)
        assert asked == []
        for number in range(3):
            role.credentials()
            role.credentials()
            assert len(asked) == number + 1
            time.sleep(BRIEF)
        keys = [authorization(request)["Credential"].partition("/")[0] for request in sts.requests]
    assert keys == ["AKID1", "AKID2", "AKID3"]


def test_a_botocore_object_is_asked_anew_each_time() -> None:
    source = BotocoreCredentials("AKIDFIRST", "secret", "token")
    signer = xacct_sign.Signer(source, REGION)
    assert signed_by(signer.sign("GET", URL))[0] == "AKIDFIRST"
    source.access_key = "AKIDSECOND"
    assert signed_by(signer.sign("GET", URL))[0] == "AKIDSECOND"


def test_what_a_callable_gives_is_kept_until_it_expires_where_it_signs() -> None:
    asked = 0

    def source() -> xacct_sign.Credentials:
        nonlocal asked
        asked += 1
        return xacct_sign.Credentials(f"AKID{asked}", "s", "t", datetime.now(timezone.utc) + timedelta(seconds=BRIEF))

    signer = xacct_sign.Signer(source, REGION)
    assert {signer.credentials.access_key_id for _ in range(10)} == {"AKID1"}
    time.sleep(BRIEF)
    assert signed_by(signer.sign("GET", URL))[0] == "AKID2"
    assert asked == 2


def test_a_callable_that_gives_no_expiry_is_asked_each_time() -> None:
    asked = 0

    def source() -> xacct_sign.Credentials:
        nonlocal asked
        asked += 1
        return xacct_sign.Credentials(f"AKID{asked}", "s")

    signer = xacct_sign.Signer(source, REGION)
    assert [signed_by(signer.sign("GET", URL))[0] for _ in range(3)] == ["AKID1", "AKID2", "AKID3"]


def test_expired_ones_of_a_callable_are_not_signed_with() -> None:
    past = datetime.now(timezone.utc) - timedelta(seconds=1)
    signer = xacct_sign.Signer(lambda: xacct_sign.Credentials("AKID", "s", "t", past), REGION)
    with pytest.raises(xacct_sign.CredentialsError) as caught:
        signer.sign("GET", URL)
    assert caught.value.code == "credentials_expired"


# ---------------------------------------------------------------- signers


def test_a_signer_of_a_role_outlives_its_credentials() -> None:
    with serve(lambda _: sts_answer(f"ASIA{len(sts.requests)}", lifetime=BRIEF)) as sts:
        signer = xacct_sign.Signer(fake_role(sts))
        assert (signer.region, signer.service) == (REGION, "execute-api")
        assert sts.requests == []
        assert signed_by(signer.sign("GET", URL)) == ("ASIA1", "fake-token")
        assert "ASIA1%2F" in signer.presign("GET", URL)
        time.sleep(BRIEF)
        assert signed_by(signer.sign("GET", URL))[0] == "ASIA2"
        assert signer.credentials.access_key_id == "ASIA2"
        assert "ASIA" not in repr(signer)


def test_a_signer_of_a_role_signs_in_another_region_if_it_is_told_to() -> None:
    with serve(lambda _: sts_answer()) as sts:
        signer = xacct_sign.Signer(fake_role(sts), "eu-west-1", "lambda")
        assert "/eu-west-1/lambda/" in signer.sign("GET", URL)["authorization"]


def test_a_signer_of_credentials_needs_a_region() -> None:
    with pytest.raises(xacct_sign.ValidationError) as caught:
        xacct_sign.Signer(xacct_sign.Credentials(*KEYS))
    assert caught.value.code == "invalid_region"


def test_a_signer_of_credentials_signs_with_expired_ones() -> None:
    past = datetime.now(timezone.utc) - timedelta(hours=1)
    signer = xacct_sign.Signer(xacct_sign.Credentials(*KEYS, past), REGION)
    assert signed_by(signer.sign("GET", URL))[0] == "AKIDEXAMPLE"


def test_what_a_signer_of_a_role_signs_is_let_in(emulator: Emulator) -> None:
    signer = xacct_sign.Signer(emulator.assume_role())
    url = xacct_sign.canonical_url(emulator.url("/hoge?q=a b"))
    assert requests.get(url, headers=signer.sign("GET", url), timeout=10).status_code == 200
    assert requests.get(signer.presign("GET", url), timeout=10).status_code == 200


# ---------------------------------------------------------------- what goes wrong


class OutOfOrderError(Exception):
    """Nobody else has this."""


def broken() -> xacct_sign.Credentials:
    raise OutOfOrderError("the vault is sealed")


def test_what_a_callable_raises_comes_out_as_it_is() -> None:
    with serve() as sts:
        role = fake_role(sts, base=broken)
        for call in (
            role.credentials,
            lambda: xacct_sign.Session(role).get(URL),
            lambda: xacct_sign.Signer(broken, REGION).sign("GET", URL),
            lambda: SigV4Auth(credentials=broken, region=REGION)._signing.ready(URL),
            lambda: xacct_sign.Session(credentials=broken, region=REGION).get(URL),
        ):
            with pytest.raises(OutOfOrderError, match="the vault is sealed") as caught:
                call()
            frames = traceback.extract_tb(caught.value.__traceback__)
            assert frames[-1].name == "broken"
        assert sts.requests == []


def test_an_exception_that_is_raised_again_does_not_grow() -> None:
    with serve() as sts:
        role = fake_role(sts, base=broken)
        depths = set()
        for _ in range(5):
            # For a while it is the same, which nobody asks for anew.
            with pytest.raises(OutOfOrderError) as caught:
                role.credentials()
            depths.add(len(traceback.extract_tb(caught.value.__traceback__)))
    assert len(depths) == 1


def test_every_waiter_gets_what_the_callable_raised() -> None:
    entered, leave = threading.Event(), threading.Event()
    caught: list[BaseException] = []

    def source() -> xacct_sign.Credentials:
        entered.set()
        leave.wait(30)
        raise OutOfOrderError

    with serve() as sts:
        role = fake_role(sts, base=source)

        def ask() -> None:
            try:
                role.credentials()
            except OutOfOrderError as error:
                caught.append(error)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        assert entered.wait(10)
        leave.set()
        for thread in threads:
            thread.join()
    assert [type(error) for error in caught] == [OutOfOrderError] * 8


class FrozenNonsense:
    access_key, secret_key, token = 5, "secret", None


async def coroutine() -> xacct_sign.Credentials:
    return xacct_sign.Credentials(*KEYS)


class AsyncCredentials(BotocoreCredentials):  # type: ignore[misc]
    """As aiobotocore has them."""

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return ReadOnlyCredentials(*KEYS)


@pytest.mark.parametrize(
    ("source", "named"),
    [
        (lambda: None, "`NoneType`"),
        (lambda: "key", "`str`"),
        (lambda: {"access_key": "AKID"}, "`dict`"),
        (lambda: ("AKID", "secret"), "`tuple`"),
        (lambda: lambda: None, "`function`"),
        (FrozenNonsense, "`int`"),
        (coroutine, "`coroutine`"),
        (lambda: coroutine(), "`coroutine`"),
        (AsyncCredentials(*KEYS), "`coroutine`"),
        (xacct_sign.Environment, "`xacct_sign.Environment`"),
    ],
)
def test_nonsense_is_refused_by_type(source: Any, named: str) -> None:
    with serve() as sts:
        for call in (
            fake_role(sts, base=source).credentials,
            lambda: xacct_sign.Signer(source, REGION).sign("GET", URL),
        ):
            with pytest.raises(xacct_sign.ValidationError) as caught:
                call()
            assert caught.value.code == "invalid_credentials"
            assert named in str(caught.value)
            assert caught.value.hint or named == "`int`"
        assert sts.requests == []


def test_a_session_without_credentials_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for source in (boto3.Session(), botocore.session.Session()):
        with pytest.raises(xacct_sign.CredentialsError) as caught:
            xacct_sign.Signer(source, REGION).sign("GET", URL)
        assert caught.value.code == "credentials_not_found"


def test_a_callable_that_uses_its_own_role_is_told_so() -> None:
    role: Any = None

    def source() -> xacct_sign.Credentials:
        return role.credentials()  # type: ignore[no-any-return]

    with serve(lambda _: sts_answer()) as sts:
        role = fake_role(sts, base=source)
        with pytest.raises(xacct_sign.CredentialsError, match="asked for by what fetches them") as caught:
            role.credentials()
        assert caught.value.code == "credentials_not_found"
        assert "must not use that role" in str(caught.value.hint)
        assert sts.requests == []


def test_two_callables_that_use_each_others_role_are_told_so() -> None:
    roles: list[xacct_sign.AssumeRole] = []
    with serve(lambda _: sts_answer()) as sts:
        roles += [
            fake_role(sts, base=lambda: roles[1].credentials()),
            fake_role(sts, base=lambda: roles[0].credentials()),
        ]
        with pytest.raises(xacct_sign.CredentialsError, match="asked for by what fetches them"):
            roles[0].credentials()


def test_an_early_refresh_asks_a_callable_on_its_own_thread() -> None:
    """It may even use the role: the old credentials still serve."""
    threads: list[int] = []
    role: Any = None

    def source() -> xacct_sign.Credentials:
        threads.append(threading.get_ident())
        if len(threads) > 1:
            role.credentials()
        return xacct_sign.Credentials(*KEYS)

    with serve(lambda _: sts_answer(f"ASIA{len(sts.requests)}", lifetime=2)) as sts:
        role = fake_role(sts, base=source)
        while role.credentials().access_key_id == "ASIA1":
            time.sleep(0.01)
    assert len(threads) == 2
    assert threads[0] == threading.get_ident() != threads[1]


def test_a_callable_runs_while_others_have_the_gil() -> None:
    """It is asked from a thread of Rust's in the end, and must not wait for one who waits for it."""
    with serve(lambda _: sts_answer(lifetime=BRIEF)) as sts:
        role = fake_role(sts, base=lambda: xacct_sign.Credentials(*KEYS))
        end = time.monotonic() + 1

        def work() -> None:
            while time.monotonic() < end:
                role.credentials()

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(sts.requests) >= 3


def test_a_refused_base_is_asked_again_for_the_next_refresh() -> None:
    def answer(_: Any) -> Any:
        return sts_error(403, "ExpiredToken", "The security token included in the request is expired")

    asked = 0

    def source() -> xacct_sign.Credentials:
        nonlocal asked
        asked += 1
        return xacct_sign.Credentials(*KEYS)

    with serve(answer) as sts:
        role = fake_role(sts, base=source)
        for _ in range(3):
            with pytest.raises(xacct_sign.StsError):
                role.credentials()
        # What failed is not tried again at once.
        assert (asked, len(sts.requests)) == (1, 1)


class Holder:
    """A program's object that has a role whose base is its own method."""

    def __init__(self, sts: Server) -> None:
        self.role = fake_role(sts, base=self.base)
        self.session = xacct_sign.Session(self.role)
        self.signer = xacct_sign.Signer(self.base, REGION)

    def base(self) -> xacct_sign.Credentials:
        return xacct_sign.Credentials(*KEYS)


def test_an_object_that_is_its_roles_base_is_collected() -> None:
    with serve(lambda _: sts_answer()) as sts:
        holder = Holder(sts)
        holder.session.get(sts.url)
        holder.signer.sign("GET", URL)
        gone = weakref.ref(holder)
        del holder
        gc.collect()
        assert gone() is None
