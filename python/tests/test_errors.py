"""`tests/errors.toml` against the exception classes; bad input is refused before anything is sent."""

from __future__ import annotations

import copy
import io
import pickle
import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import requests
import xacct_sign
from helpers import REGION, ROLE_ARN, Answer, Server, fake_role, serve, sts_answer, sts_error, table
from xacct_sign import AssumeRole, Credentials, Environment, Session, Signer
from xacct_sign.requests import SigV4Auth

ERRORS = table("errors.toml")["error"]
CLASS_OF = {error["code"]: getattr(xacct_sign, error["python"]) for error in ERRORS}

GOOD = Credentials("AKIDEXAMPLE", "secret", "token")
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=timezone.utc)


def test_the_table_names_every_exception_class() -> None:
    classes = {value for value in vars(xacct_sign).values() if isinstance(value, type) and issubclass(value, Exception)}
    assert set(CLASS_OF.values()) == classes - {xacct_sign.XacctSignError}
    assert len(CLASS_OF) == len(ERRORS) == 46


@pytest.mark.parametrize(
    ("cls", "bases"),
    [
        (xacct_sign.XacctSignError, (Exception,)),
        (xacct_sign.ValidationError, (xacct_sign.XacctSignError, ValueError)),
        (xacct_sign.CredentialsError, (xacct_sign.XacctSignError,)),
        (xacct_sign.StsError, (xacct_sign.XacctSignError,)),
        (xacct_sign.TransportError, (xacct_sign.XacctSignError, OSError)),
        (xacct_sign.TransportTimeout, (xacct_sign.TransportError, TimeoutError)),
        (xacct_sign.HttpStatusError, (xacct_sign.XacctSignError,)),
    ],
)
def test_bases(cls: type[Exception], bases: tuple[type[Exception], ...]) -> None:
    for base in bases:
        assert issubclass(cls, base)


def examples() -> list[xacct_sign.XacctSignError]:
    response = xacct_sign.Response("GET", 403, "https://api.example.com/", [("a", "b")], b"{}")
    made: list[xacct_sign.XacctSignError] = []
    for error in ERRORS:
        cls, arguments = CLASS_OF[error["code"]], {"code": error["code"], "hint": "do this"}
        assert (cls is xacct_sign.StsError) == error["action"]
        if cls is xacct_sign.StsError:
            arguments |= {"action": "AssumeRole", "aws_code": "AccessDenied", "status": 403, "request_id": "1"}
        if cls is xacct_sign.HttpStatusError:
            arguments |= {"response": response}
        else:
            arguments |= {"retryable": error["retryable"] != "never"}
        made.append(cls(error["text"], **arguments))
    return made


@pytest.mark.parametrize("error", examples(), ids=lambda error: error.code)
@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_errors_survive_copies_and_pickling(error: xacct_sign.XacctSignError, clone: Callable[[Any], Any]) -> None:
    back = clone(error)
    assert type(back) is type(error)
    assert (str(back), back.args, back.code, back.hint) == (str(error), error.args, error.code, error.hint)
    assert back.retryable is error.retryable
    assert back.__dict__.keys() == error.__dict__.keys()
    if isinstance(error, xacct_sign.StsError):
        assert (back.action, back.aws_code, back.status, back.request_id) == ("AssumeRole", "AccessDenied", 403, "1")
    if isinstance(error, xacct_sign.HttpStatusError):
        assert (back.response.status_code, back.response.content) == (403, b"{}")


@pytest.mark.parametrize("error", examples(), ids=lambda error: error.code)
def test_text_has_the_hint_behind_the_sentence(error: xacct_sign.XacctSignError) -> None:
    assert str(error) == f"{error.args[0]} (do this)"
    error.hint = None
    assert str(error) == error.args[0]


@pytest.fixture
def target() -> Iterator[Server]:
    """Both STS and API: whatever comes here was sent."""
    with serve(lambda _: sts_answer()) as server:
        yield server


def refused(code: str, call: Callable[[], object]) -> xacct_sign.ValidationError:
    with pytest.raises(xacct_sign.XacctSignError) as caught:
        call()
    error = caught.value
    assert error.code == code, error
    assert type(error) is CLASS_OF[code]
    assert isinstance(error, xacct_sign.ValidationError)
    first = error.args[0][0]
    assert first == first.lower()
    assert not error.args[0].endswith(".")
    return error


ROLE_ARGUMENTS = [
    ("invalid_role_arn", {"role_arn": "ApiAllowByIamRoleStag"}),
    ("invalid_role_arn", {"role_arn": "arn:aws:iam::111111111111:user/ApiAllowByIamRoleStag"}),
    ("invalid_role_arn", {"role_arn": "arn:aws:iam::1111:role/ApiAllowByIamRoleStag"}),
    ("invalid_role_arn", {"role_arn": ""}),
    ("invalid_session_name", {"session_name": "a b"}),
    ("invalid_session_name", {"session_name": "a"}),
    ("invalid_session_name", {"session_name": ""}),
    ("invalid_session_name", {"session_name": "a" * 65}),
    ("invalid_session_name", {"session_name": "büro"}),
    ("invalid_duration", {"duration_seconds": 899}),
    ("invalid_duration", {"duration_seconds": 43201}),
    ("invalid_duration", {"duration_seconds": -1}),
    ("invalid_duration", {"duration_seconds": 2**40}),
    ("invalid_region", {"region": "ap-northeast-1/x"}),
    ("invalid_region", {"region": "AP-NORTHEAST-1"}),
    ("invalid_region", {"region": ""}),
    ("invalid_region", {"region": "evil.example.com#"}),
    ("invalid_external_id", {"external_id": "a"}),
    ("invalid_external_id", {"external_id": "a b"}),
    ("invalid_external_id", {"external_id": ""}),
    ("invalid_session_policy", {"policy": ""}),
    ("invalid_session_policy", {"policy": "日本"}),
    ("invalid_session_policy", {"policy": "x" * 2049}),
    ("invalid_session_policy", {"policy_arns": ["arn:aws:iam::222222222222:policy/Other"]}),
    ("invalid_session_policy", {"policy_arns": ["nothing"]}),
    ("invalid_tag", {"tags": {"": "x"}}),
    ("invalid_tag", {"tags": {"a": "x" * 257}}),
    ("invalid_tag", {"tags": {"a": "1", "A": "2"}}),
    ("invalid_tag", {"tags": {str(n): "x" for n in range(51)}}),
    ("invalid_tag", {"transitive_tag_keys": ["a"]}),
    ("invalid_source_identity", {"source_identity": "a"}),
    ("invalid_source_identity", {"source_identity": "a b"}),
    ("partition_mismatch", {"region": "cn-north-1"}),
    ("partition_mismatch", {"role_arn": "arn:aws-cn:iam::111111111111:role/Name"}),
    (
        "unknown_partition",
        {"role_arn": "arn:aws-iso:iam::111111111111:role/N", "region": "us-iso-east-1", "sts_endpoint": None},
    ),
    ("invalid_endpoint", {"sts_endpoint": "sts.example.com"}),
    ("invalid_endpoint", {"sts_endpoint": "ftp://sts.example.com"}),
    ("invalid_endpoint", {"sts_endpoint": "https://sts.example.com/?a=b"}),
    ("insecure_url", {"sts_endpoint": "http://sts.example.com"}),
]


@pytest.mark.parametrize(("code", "arguments"), ROLE_ARGUMENTS, ids=str)
def test_assume_role_refuses(target: Server, code: str, arguments: dict[str, Any]) -> None:
    refused(code, lambda: fake_role(target, **arguments))
    assert target.connections == 0


def test_a_session_name_of_the_environment_is_checked_too(monkeypatch: pytest.MonkeyPatch, target: Server) -> None:
    monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "a b")
    refused("invalid_session_name", lambda: fake_role(target))
    assert target.connections == 0


def a_generator() -> Iterator[bytes]:
    yield b"part"


class Unreadable:
    """Stands for anything that is no body."""


SIGN_ARGUMENTS = [
    ("invalid_url", ("GET", "/hoge"), {}),
    ("invalid_url", ("GET", ""), {}),
    ("invalid_url", ("GET", "api.example.com/hoge"), {}),
    ("invalid_url", ("GET", "https://"), {}),
    ("invalid_url", ("GET", "ftp://api.example.com/"), {}),
    ("invalid_url", ("GET", "https://api.example.com:99999/"), {}),
    ("invalid_url", ("GET", "https://api.example.com/a b"), {}),
    ("invalid_url", ("GET", "https://api.example.com/\n"), {}),
    ("invalid_method", ("GE T", "https://api.example.com/"), {}),
    ("invalid_method", ("", "https://api.example.com/"), {}),
    ("invalid_header", ("GET", "https://api.example.com/", {"x-a": "1\r\nx-b: 2"}), {}),
    ("invalid_header", ("GET", "https://api.example.com/", {"x-a": b"1\n"}), {}),
    ("invalid_header", ("GET", "https://api.example.com/", {"x a": "1"}), {}),
    ("invalid_header", ("GET", "https://api.example.com/", {"": "1"}), {}),
    ("invalid_header", ("GET", "https://api.example.com/", {"x-a": 1}), {}),
    ("invalid_header", ("GET", "https://api.example.com/", {"x-a": None}), {}),
    ("invalid_header", ("GET", "https://api.example.com/", [("x-a", "1", "2")]), {}),
    ("invalid_body", ("PUT", "https://api.example.com/", None, {"foo": "bar"}), {}),
    ("invalid_body", ("PUT", "https://api.example.com/", None, a_generator()), {}),
    ("invalid_body", ("PUT", "https://api.example.com/", None, io.BytesIO(b"x")), {}),
    ("invalid_body", ("PUT", "https://api.example.com/", None, Unreadable()), {}),
    ("invalid_body", ("PUT", "https://api.example.com/", None, 7), {}),
    ("invalid_body", ("PUT", "https://api.example.com/", None, xacct_sign.PayloadHash("0")), {}),
    ("invalid_body", ("PUT", "https://api.example.com/", None, xacct_sign.PayloadHash("A" * 64)), {}),
    ("unsigned_payload", ("PUT", "https://api.example.com/", None, xacct_sign.UNSIGNED_PAYLOAD), {}),
    ("invalid_method", ("CONNECT", "https://api.example.com/"), {}),
    ("invalid_time", ("GET", "https://api.example.com/"), {"now": datetime(2015, 8, 30)}),
    ("invalid_time", ("GET", "https://api.example.com/"), {"now": datetime(1969, 1, 1, tzinfo=timezone.utc)}),
]


@pytest.mark.parametrize(("code", "arguments", "options"), SIGN_ARGUMENTS, ids=str)
def test_signer_refuses(code: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    signer = Signer(GOOD, REGION)
    options = {"now": NOW} | options
    refused(code, lambda: signer.sign(*arguments, **options))
    method, url, *rest = arguments
    refused(code, lambda: signer.presign(method, url, **dict(zip(("headers", "body"), rest, strict=False)), **options))


@pytest.mark.parametrize("seconds", [0, -1, 604_801, -(2**62)])
def test_presign_refuses_a_lifetime(seconds: int) -> None:
    url = "https://api.example.com/"
    refused("invalid_expires_in", lambda: Signer(GOOD, REGION).presign("GET", url, expires_in=seconds, now=NOW))


@pytest.mark.parametrize("seconds", [1, 604_800])
def test_presign_takes_the_longest_and_the_shortest_lifetime(seconds: int) -> None:
    url = Signer(GOOD, REGION).presign("GET", "https://api.example.com/", expires_in=seconds, now=NOW)
    assert f"X-Amz-Expires={seconds}&" in url


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("invalid_credentials", lambda: Credentials("AKIDEXAMPLE", "")),
        ("invalid_credentials", lambda: Credentials("", "secret")),
        ("invalid_credentials", lambda: Credentials("AKIDEXAMPLE", "secret\n")),
        ("invalid_credentials", lambda: Credentials("AKID/EXAMPLE", "secret")),
        ("invalid_credentials", lambda: Credentials("AKIDEXAMPLE", "secret", "to ken")),
        ("invalid_time", lambda: Credentials("AKIDEXAMPLE", "secret", None, datetime(2030, 1, 1))),
        ("invalid_region", lambda: Signer(GOOD, "us-east-1/x")),
        ("invalid_service", lambda: Signer(GOOD, REGION, "a/b")),
        ("invalid_service", lambda: Signer(GOOD, REGION, "")),
        ("invalid_region", lambda: SigV4Auth(credentials=GOOD, region="us-east-1/x")),
        ("invalid_service", lambda: SigV4Auth(credentials=GOOD, region=REGION, service="a/b")),
        ("invalid_credentials", lambda: SigV4Auth(credentials={"access_key_id": "a"}, region=REGION)),
        ("invalid_url", lambda: xacct_sign.canonical_url("/hoge")),
        ("invalid_url", lambda: xacct_sign.canonical_url("https://api.example.com/\t")),
        ("invalid_region", lambda: Session(ROLE_ARN, region="us-east-1/x")),
        ("invalid_role_arn", lambda: Session("ApiAllowByIamRoleStag", region=REGION)),
        ("invalid_service", lambda: Session(ROLE_ARN, region=REGION, service="a b")),
        ("invalid_endpoint", lambda: Session(ROLE_ARN, region=REGION, base_url="/v1")),
        ("invalid_endpoint", lambda: Session(ROLE_ARN, region=REGION, base_url="https://api.example.com/?a=b")),
        ("insecure_url", lambda: Session(ROLE_ARN, region=REGION, base_url="http://api.example.com")),
        ("invalid_option", lambda: Session(AssumeRole(ROLE_ARN, region=REGION), credentials=GOOD)),
    ],
)
def test_constructors_refuse(code: str, make: Callable[[], object]) -> None:
    refused(code, make)


@pytest.mark.parametrize(
    ("code", "method", "path", "options"),
    [
        ("invalid_url", "GET", "https://", {}),
        ("invalid_url", "GET", "/a\nb", {}),
        ("origin_mismatch", "GET", "https://api.example.org/", {}),
        ("origin_mismatch", "GET", "//api.example.org/", {}),
        ("invalid_method", "GE T", "/", {}),
        ("invalid_header", "GET", "/", {"headers": {"x-a": "1\n2"}}),
        ("invalid_header", "GET", "/", {"headers": {"x a": "1"}}),
        ("invalid_header", "GET", "/", {"headers": {"x-a": 1}}),
        ("invalid_body", "PUT", "/", {"data": a_generator()}),
        ("invalid_body", "PUT", "/", {"data": 7}),
        ("invalid_body", "PUT", "/", {"json": object()}),
        ("invalid_body", "PUT", "/", {"json": float("nan")}),
        ("invalid_body", "PUT", "/", {"data": xacct_sign.UNSIGNED_PAYLOAD}),
        ("invalid_option", "PUT", "/", {"data": b"x", "json": {}}),
        ("invalid_option", "GET", "/", {"timeout": -1}),
        ("invalid_option", "GET", "/", {"timeout": 0}),
        ("invalid_option", "GET", "/", {"timeout": float("nan")}),
        ("invalid_option", "GET", "/", {"timeout": (-1, 5)}),
        ("invalid_option", "GET", "/", {"timeout": (5, -1)}),
        ("invalid_option", "GET", "/", {"timeout": float("inf")}),
    ],
    ids=str,
)
def test_session_refuses_before_anything_is_sent(
    target: Server, code: str, method: str, path: str, options: dict[str, Any]
) -> None:
    session = Session(fake_role(target), base_url=target.url)
    refused(code, lambda: session.request(method, path, **options))
    assert target.connections == 0


def test_session_refuses_a_relative_url_without_a_base(target: Server) -> None:
    refused("invalid_url", lambda: Session(fake_role(target)).get("/hoge"))
    refused("insecure_url", lambda: Session(fake_role(target)).get("http://api.example.com/"))
    assert target.connections == 0


def test_session_refuses_a_negative_timeout_of_its_own(target: Server) -> None:
    refused("invalid_option", lambda: Session(fake_role(target), timeout=-1).get(target.url))
    assert target.connections == 0


@pytest.mark.parametrize("body", [a_generator(), Unreadable()], ids=["generator", "unreadable"])
def test_requests_adapter_refuses_a_body_before_anything_is_sent(target: Server, body: object) -> None:
    prepared = requests.Request("PUT", target.url).prepare()
    prepared.body = body  # type: ignore[assignment]
    error = refused("invalid_body", lambda: SigV4Auth(fake_role(target))(prepared))
    assert error.hint is not None
    assert "bytes" in error.hint
    assert target.connections == 0


def test_no_base_credentials(target: Server) -> None:
    role = AssumeRole(ROLE_ARN, region=REGION, sts_endpoint=target.url)
    with pytest.raises(xacct_sign.CredentialsError) as caught:
        role.credentials()
    assert caught.value.code == "credentials_not_found"
    assert "AWS_ACCESS_KEY_ID" in str(caught.value)
    with pytest.raises(xacct_sign.CredentialsError):
        Session(region=REGION, credentials=Environment()).get(target.url)
    assert target.connections == 0


def test_a_refused_connection_is_a_transport_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        session = Session(credentials=GOOD, region=REGION)
        with pytest.raises(xacct_sign.TransportError) as caught:
            session.get(url)
    assert caught.value.code == "transport"
    assert not isinstance(caught.value, TimeoutError)
    assert isinstance(caught.value, OSError)
    assert "127.0.0.1" in str(caught.value)


def test_an_unknown_host_is_a_transport_error() -> None:
    with pytest.raises(xacct_sign.TransportError) as caught:
        Session(credentials=GOOD, region=REGION).get("https://nowhere.invalid/")
    assert caught.value.code == "transport"


def test_credentials_with_an_expiry_in_another_zone() -> None:
    at = datetime(2030, 1, 1, 9, 0, tzinfo=timezone(timedelta(hours=9)))
    held = Credentials("AKIDEXAMPLE", "secret", "token", at).expires_at
    assert held == at
    assert held is not None
    assert held.utcoffset() == timedelta(0)


def test_errors_say_whether_to_try_again() -> None:
    """`retryable`, from the same table as in Rust and JavaScript."""
    answers = {
        "sts_throttled": (sts_error(400, "Throttling", "Rate exceeded"), True),
        "sts_denied": (sts_error(403, "AccessDenied", "no"), False),
        "sts_failed": (sts_error(503, "ServiceUnavailable", "later"), True),
        "invalid_response": (Answer(200, {}, b"{}"), False),
    }
    for code, (answer, retryable) in answers.items():
        with serve(lambda _, answer=answer: answer) as sts, pytest.raises(xacct_sign.XacctSignError) as caught:
            fake_role(sts).credentials()
        assert (caught.value.code, caught.value.retryable) == (code, retryable)
        if isinstance(caught.value, xacct_sign.StsError):
            assert caught.value.action == "AssumeRole"
    with pytest.raises(xacct_sign.ValidationError) as invalid:
        Signer(GOOD, "no region")
    assert invalid.value.retryable is False


def test_errors_keep_what_caused_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CA bundle cannot be read: and why."""
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(xacct_sign.TransportError) as caught:
        Session(credentials=GOOD, region=REGION).get("https://127.0.0.1:9/")
    cause = caught.value.__cause__
    assert isinstance(cause, FileNotFoundError)
    # Another try reads the same file.
    assert (caught.value.code, caught.value.retryable) == ("invalid_ca_bundle", False)

    with pytest.raises(xacct_sign.ValidationError) as base_url:
        Session(credentials=GOOD, region=REGION, base_url="https://[bad/")
    inner = base_url.value.__cause__
    assert isinstance(inner, xacct_sign.ValidationError)
    assert (base_url.value.code, inner.code) == ("invalid_endpoint", "invalid_url")
    copied = pickle.loads(pickle.dumps(base_url.value))
    assert copied.code == "invalid_endpoint"
