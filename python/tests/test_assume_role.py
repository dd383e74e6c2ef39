"""`AssumeRole` against the emulator's STS, and against servers that answer nonsense."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import xacct_sign
from emulator import Emulator
from helpers import (
    BRIEF,
    EXTERNAL_ID,
    ROLE_ARN,
    Answer,
    Request,
    fake_role,
    serve,
    sts_answer,
    sts_error,
    without_expiry,
)

THREADS = 32


def test_success(emulator: Emulator) -> None:
    role = emulator.assume_role()
    before = datetime.now(timezone.utc)
    credentials = role.credentials()
    assert credentials.access_key_id.startswith("ASIA")
    assert credentials.session_token
    assert credentials.expires_at is not None
    assert timedelta(seconds=3590) < credentials.expires_at - before < timedelta(seconds=3610)
    assert role.credentials() == credentials
    assert (role.role_arn, role.region, role.session_name) == (emulator.role_arn(), emulator.region, "xacct-sign")


def test_parameters_arrive(partners: Emulator) -> None:
    role = partners.assume_role("partner", external_id=EXTERNAL_ID, session_name="a+b=c,d.e@f-g", duration_seconds=900)
    session = xacct_sign.Session(role, base_url=partners.url())
    shown = session.put("/hoge", json={}).json()
    assert shown["requestContext"]["authorizer"]["iam"]["userArn"].endswith("/a+b=c,d.e@f-g")
    expires_at = role.credentials().expires_at
    assert expires_at is not None
    assert expires_at - datetime.now(timezone.utc) < timedelta(seconds=901)


def test_a_session_policy_narrows(emulator: Emulator) -> None:
    nothing = '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}'
    session = xacct_sign.Session(emulator.assume_role(policy=nothing), base_url=emulator.url())
    assert session.get("/hoge").status_code == 403


def test_a_session_outlives_its_credentials(short_lived: Emulator) -> None:
    session = short_lived.session()
    keys = set()
    end = time.monotonic() + 5
    while time.monotonic() < end and len(keys) < 3:
        response = session.put("/hoge", json={"foo": "bar"})
        assert response.status_code == 200, response.text
        keys.add(response.json()["requestContext"]["authorizer"]["iam"]["accessKey"])
        time.sleep(0.05)
    assert len(keys) == 3


def test_expired_credentials_are_refused_by_the_emulator(short_lived: Emulator) -> None:
    """So that the test above proves something."""
    fixed = without_expiry(short_lived.assume_role().credentials())
    session = xacct_sign.Session(credentials=fixed, region=short_lived.region, base_url=short_lived.url())
    assert session.get("/hoge").status_code == 200
    while session.get("/hoge").status_code == 200:
        time.sleep(0.1)
    assert session.get("/hoge").json() == {"message": "Forbidden"}


def all_at_once(call: Any) -> list[Any]:
    """What many threads get that begin together: a value or an exception each."""
    barrier = threading.Barrier(THREADS)

    def run() -> Any:
        barrier.wait()
        try:
            return call()
        except xacct_sign.XacctSignError as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result() for future in [pool.submit(run) for _ in range(THREADS)]]


def test_one_call_for_all_threads() -> None:
    def slow(_: Request) -> Answer:
        time.sleep(0.1)
        return sts_answer(f"ASIA{len(sts.requests)}")

    with serve(slow) as sts:
        role = fake_role(sts)
        got = all_at_once(role.credentials)
        got += all_at_once(role.credentials)
        assert len(sts.requests) == 1
    assert {credentials.access_key_id for credentials in got} == {"ASIA1"}


def test_one_call_for_all_sessions_and_adapters_of_a_role() -> None:
    from xacct_sign.requests import SigV4Auth

    with serve(lambda _: sts_answer()) as sts, serve() as api:
        role = fake_role(sts)
        for _ in range(3):
            xacct_sign.Session(role).get(api.url)
            SigV4Auth(role)._signing.ready(api.url)
        assert len(sts.requests) == 1


def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    healthy = threading.Event()

    def answer(_: Request) -> Answer:
        if healthy.is_set():
            return sts_answer()
        # Everyone who began is waiting by then.
        time.sleep(0.3)
        return sts_error(403, "AccessDenied", "User: arn:aws:iam::000000000000:user/u is not authorized")

    with serve(answer) as sts:
        role = fake_role(sts)
        errors = all_at_once(role.credentials)
        calls = len(sts.requests)
        healthy.set()
        credentials = None
        while credentials is None:
            # For a second it is told again, and nobody asks STS.
            with contextlib.suppress(xacct_sign.StsError):
                credentials = role.credentials()
            time.sleep(0.02)
        assert credentials.access_key_id == "ASIAFAKE"
        assert len(sts.requests) == calls + 1
    assert {type(error) for error in errors} == {xacct_sign.StsError}
    assert {error.code for error in errors} == {"sts_denied"}
    assert {error.request_id for error in errors} == {"the-request-id"}
    # Errors are no shared object: a traceback belongs to one thread.
    assert len({id(error) for error in errors}) == THREADS
    assert calls == 1


def test_a_failed_early_refresh_keeps_what_works() -> None:
    def answer(_: Request) -> Answer:
        # A refusal is not tried again within the refresh.
        return sts_answer("ASIAFIRST", lifetime=2) if len(sts.requests) == 1 else sts_error(403, "AccessDenied", "no")

    with serve(answer) as sts:
        role = fake_role(sts)
        first = role.credentials()
        assert first.expires_at is not None
        while len(sts.requests) == 1:
            assert role.credentials() == first
            time.sleep(0.01)
        # The refresh failed, and its caller got the old credentials all the same.
        assert datetime.now(timezone.utc) < first.expires_at
        time.sleep(max(0.0, (first.expires_at - datetime.now(timezone.utc)).total_seconds()))
        with pytest.raises(xacct_sign.StsError) as caught:
            role.credentials()
    assert (caught.value.code, caught.value.status) == ("sts_denied", 403)


def test_each_refresh_sends_the_same_parameters() -> None:
    with serve(lambda _: sts_answer(lifetime=BRIEF)) as sts:
        role = fake_role(sts, external_id="a+b", tags={"b": "1", "a": "2"}, transitive_tag_keys=["a"])
        for _ in range(3):
            role.credentials()
            time.sleep(BRIEF)
    assert len(sts.requests) == 3
    assert len({request.body for request in sts.requests}) == 1


@pytest.mark.parametrize(
    "who",
    ["outsider", "wrong role", "missing role", "no external id", "wrong external id", "prod caller on stag"],
)
def test_refusals_name_role_caller_and_both_sides(partners: Emulator, who: str) -> None:
    missing = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleNone"
    partner = partners.role_arn("partner")
    role, caller = {
        "outsider": (partners.assume_role(base=partners.outsider()), partners.ready["outsider"]),
        "wrong role": (partners.assume_role(role_arn=partner), partners.caller()),
        "missing role": (partners.assume_role(role_arn=missing), partners.caller()),
        "no external id": (partners.assume_role("partner"), partners.caller("partner")),
        "wrong external id": (partners.assume_role("partner", external_id="other"), partners.caller("partner")),
        "prod caller on stag": (partners.assume_role(base=partners.base(stage="prod")), partners.caller(stage="prod")),
    }[who]
    with pytest.raises(xacct_sign.StsError) as caught:
        role.credentials()
    error = caught.value
    assert (error.code, error.aws_code, error.status) == ("sts_denied", "AccessDenied", 403)
    assert error.request_id
    text = str(error)
    assert role.role_arn in text
    name = caller["role"].rpartition("/")[2]
    assert f"{caller['account']}:assumed-role/{name}/" in text
    assert error.hint is not None
    for word in ("trust policy", "external id", "session name", "the caller's own policy", "sts:AssumeRole"):
        assert word in error.hint
    assert error.hint in text


@pytest.mark.parametrize(
    ("options", "action"),
    [({"source_identity": "me"}, "sts:SetSourceIdentity"), ({"tags": {"team": "shop"}}, "sts:TagSession")],
)
def test_a_refusal_of_another_action_has_the_hint_of_that_action(
    emulator: Emulator, options: dict[str, Any], action: str
) -> None:
    with pytest.raises(xacct_sign.StsError, match=f"not authorized to perform: {action} ") as caught:
        emulator.assume_role(**options).credentials()
    assert caught.value.hint == "the role's trust policy and the caller's own policy must both allow this action, too"


@pytest.mark.parametrize(
    ("change", "code", "aws_code"),
    [
        ({"secret_access_key": "wrong"}, "sts_credentials", "SignatureDoesNotMatch"),
        ({"access_key_id": "ASIAUNKNOWN"}, "sts_credentials", "InvalidClientTokenId"),
        ({"session_token": "wrong"}, "sts_credentials", "InvalidClientTokenId"),
        ({"session_token": None}, "sts_credentials", "InvalidClientTokenId"),
    ],
)
def test_wrong_base_credentials(emulator: Emulator, change: dict[str, Any], code: str, aws_code: str) -> None:
    base = xacct_sign.Credentials(**(emulator.caller()["credentials"] | change))
    with pytest.raises(xacct_sign.StsError) as caught:
        emulator.assume_role(base=base).credentials()
    assert (caught.value.code, caught.value.aws_code) == (code, aws_code)
    assert caught.value.hint


def test_expired_base_credentials(short_lived: Emulator) -> None:
    base = without_expiry(short_lived.assume_role().credentials())
    while True:
        with pytest.raises(xacct_sign.StsError) as caught:
            short_lived.assume_role(base=base).credentials()
        # Until they expire, the role may not assume itself.
        if caught.value.code != "sts_denied":
            break
        time.sleep(0.1)
    assert (caught.value.code, caught.value.aws_code) == ("sts_expired", "ExpiredToken")
    assert "environment" in str(caught.value)


def test_a_duration_that_the_role_does_not_give(emulator: Emulator) -> None:
    with pytest.raises(xacct_sign.StsError) as caught:
        emulator.assume_role(duration_seconds=43200).credentials()
    assert (caught.value.code, caught.value.aws_code) == ("sts_invalid", "ValidationError")
    assert caught.value.status == 400
    assert caught.value.hint


@pytest.mark.parametrize(
    ("status", "aws_code", "code"),
    [
        (400, "Throttling", "sts_throttled"),
        (429, "", "sts_throttled"),
        (400, "PackedPolicyTooLarge", "sts_invalid"),
        (403, "RegionDisabledException", "sts_failed"),
        (500, "InternalFailure", "sts_failed"),
        (418, "SomethingNew", "sts_failed"),
    ],
)
def test_other_refusals(status: int, aws_code: str, code: str) -> None:
    with serve(lambda _: sts_error(status, aws_code, "no")) as sts, pytest.raises(xacct_sign.StsError) as caught:
        fake_role(sts).credentials()
    error = caught.value
    assert (error.code, error.aws_code, error.status, error.request_id) == (code, aws_code, status, "the-request-id")
    assert ROLE_ARN in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<html><body>proxy</body></html>",
        b"<AssumeRoleResponse>",
        b"\xff\xfe\x00",
        b"<a>" * 100_000,
        sts_answer().body.replace(b"<AccessKeyId>ASIAFAKE</AccessKeyId>", b""),
        sts_answer().body.replace(b"<SessionToken>fake-token</SessionToken>", b"<SessionToken/>"),
        sts_answer().body.replace(b"fake-secret", b"a b"),
        sts_answer().body.replace(b"<Expiration>2", b"<Expiration>x"),
        sts_answer().body.replace(b"<Arn>", b"<Other>").replace(b"</Arn>", b"</Other>"),
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + sts_answer().body.replace(b"fake-token", b"&x;"),
    ],
    ids=lambda body: body[:30].decode("latin-1") + str(len(body)),
)
def test_garbage_answers(body: bytes) -> None:
    with serve(lambda _: Answer(200, {}, body)) as sts, pytest.raises(xacct_sign.TransportError) as caught:
        fake_role(sts).credentials()
    assert caught.value.code == "invalid_response"
    assert caught.value.hint is not None
    assert "endpoint" in caught.value.hint
    assert "fake-" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 403, 502])
@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"<a>" * 1000])
def test_garbage_refusals(status: int, body: bytes) -> None:
    with serve(lambda _: Answer(status, {}, body)) as sts, pytest.raises(xacct_sign.StsError) as caught:
        fake_role(sts).credentials()
    assert (caught.value.code, caught.value.aws_code) == ("sts_failed", "")
    assert (caught.value.status, caught.value.request_id) == (status, None)
    assert str(status) in str(caught.value)


def test_a_huge_answer_is_cut_off() -> None:
    huge = Answer(200, {}, b"x" * ((1 << 20) + 1))
    with serve(lambda _: huge) as sts, pytest.raises(xacct_sign.TransportError) as caught:
        fake_role(sts).credentials()
    assert caught.value.code == "response_too_large"


def test_a_huge_token_is_none_of_our_business() -> None:
    with serve(lambda _: sts_answer(token="t" * 100_000)) as sts:
        assert len(fake_role(sts).credentials().session_token or "") == 100_000


def test_an_answer_with_unknown_elements_and_fractions_of_a_second() -> None:
    body = sts_answer().body.replace(
        b"<AssumedRoleUser>", b"<New><Credentials2>x</Credentials2></New><AssumedRoleUser>"
    )
    at = datetime(2030, 1, 1, 12, 0, 0, 500_000, tzinfo=timezone.utc)
    start, _, rest = body.partition(b"<Expiration>")
    body = start + b"<Expiration>2030-01-01T12:00:00.500Z" + rest[rest.index(b"</Expiration>") :]
    with serve(lambda _: Answer(200, {}, body)) as sts:
        assert fake_role(sts).credentials().expires_at == at


def test_sts_does_not_redirect() -> None:
    with serve(lambda _: sts_answer()) as elsewhere:
        moved = Answer(307, {"location": elsewhere.url})
        with serve(lambda _: moved) as sts, pytest.raises(xacct_sign.StsError):
            fake_role(sts).credentials()
        assert elsewhere.connections == 0


def test_a_base_that_takes_too_long_is_no_fault_of_sts() -> None:
    def slow() -> xacct_sign.Credentials:
        time.sleep(0.6)
        return xacct_sign.Credentials("AKIDBASE", "secret")

    with serve() as sts:
        session = xacct_sign.Session(fake_role(sts, base=slow), timeout=0.3)
        with pytest.raises(xacct_sign.TransportTimeout) as caught:
            session.get(sts.url)
        assert "base credentials" in str(caught.value)
        assert "STS was not reached" not in str(caught.value)
        assert sts.requests == []
