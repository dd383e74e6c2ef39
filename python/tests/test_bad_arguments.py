"""What is given by mistake: nothing, another type, what is no text, a secret in the wrong place."""

from __future__ import annotations

import copy
import datetime as datetime_module
import io
import pickle
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from unittest import mock

import awscrt.auth
import pytest
import requests
import xacct_sign
from helpers import REGION, ROLE_ARN, fake_role, serve
from xacct_sign import AssumeRole, Credentials, Environment, PayloadHash, Session, Signer
from xacct_sign.requests import SigV4Auth

GOOD = Credentials("AKIDEXAMPLE", "secret", "token")
URL = "https://api.example.com/"
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=timezone.utc)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
LONE = "a\ud800"


def refused(code: str, call: Callable[[], object]) -> xacct_sign.ValidationError:
    with pytest.raises(xacct_sign.ValidationError) as caught:
        call()
    assert caught.value.code == code, caught.value
    return caught.value


NOBODY: list[Callable[..., object]] = [
    lambda: Session(None, region=REGION),
    lambda: Session("", region=REGION),
    lambda: Session(region=REGION),
    lambda: Session(),
    lambda: Session(region=REGION, credentials=None),
    lambda: Session(region=REGION, credentials=""),  # type: ignore[arg-type]
    # A role that is unset must not end in signing as what should have assumed it.
    lambda: Session(None, region=REGION, credentials=GOOD),
    lambda: Session("", region=REGION, credentials=Environment()),
]


@pytest.mark.parametrize("make", NOBODY)
def test_c2_nobody_signs_as_oneself_by_accident(make: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    error = refused("role_not_given", make)
    assert error.args == ("no role to assume is given",)
    assert error.hint is not None
    assert "`credentials`" in error.hint


def test_c2_the_environments_own_credentials_are_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert repr(Environment()) == "Environment()"
    with serve() as server:
        Session(region=REGION, credentials=Environment()).get(server.url)
        requests.get(server.url, auth=SigV4Auth(credentials=Environment(), region=REGION))
    assert ["Credential=AKIDOWN/" in request.headers["authorization"] for request in server.requests] == [True, True]


def test_c11_a_url_that_is_signed_is_not_signed_again() -> None:
    signer = Signer(GOOD, REGION)
    link = signer.presign("GET", URL + "a?b=1", now=NOW)
    escaped = URL + "?X-Amz%2DSignature=0"
    with serve() as server:
        role = fake_role(server)
        for url in (link, escaped, URL + "?X-Amz-Signature"):
            for call in (
                lambda url=url: signer.sign("GET", url, now=NOW),
                lambda url=url: Session(role).get(url),
                lambda url=url: requests.get(url, auth=SigV4Auth(role)),
            ):
                error = refused("already_signed", call)
                assert error.hint is not None
        refused("already_signed", lambda: Session(role).get(URL, params={"X-Amz-Signature": "0"}))
    assert server.connections == 0
    # To presign is to replace, and what only looks alike is no signature.
    assert signer.presign("GET", link, now=NOW) == link
    assert signer.sign("GET", URL + "?X-Amz-Signatures=1&a=X-Amz-Signature", now=NOW)


OF_TEXT: list[tuple[str, Callable[[Any], object]]] = [
    ("invalid_credentials", lambda x: Credentials(x, "secret")),
    ("invalid_credentials", lambda x: Credentials("AKIDEXAMPLE", x)),
    ("invalid_role_arn", lambda x: AssumeRole(x, region=REGION)),
    ("invalid_region", lambda x: Signer(GOOD, x)),
    ("invalid_service", lambda x: Signer(GOOD, REGION, x)),
    ("invalid_method", lambda x: Signer(GOOD, REGION).sign(x, URL)),
    ("invalid_method", lambda x: Signer(GOOD, REGION).presign(x, URL)),
    ("invalid_method", lambda x: Session(credentials=GOOD, region=REGION).request(x, URL)),
    ("invalid_url", lambda x: Signer(GOOD, REGION).sign("GET", x)),
    ("invalid_url", lambda x: Signer(GOOD, REGION).presign("GET", x)),
    ("invalid_url", lambda x: Session(credentials=GOOD, region=REGION).get(x)),
    ("invalid_url", lambda x: xacct_sign.canonical_url(x)),
    ("invalid_body", lambda x: PayloadHash(x)),
    ("invalid_header", lambda x: Signer(GOOD, REGION).sign("GET", URL, {"x-a": x})),
    ("invalid_header", lambda x: Signer(GOOD, REGION).sign("GET", URL, {x: "a"})),
    ("invalid_header", lambda x: Session(credentials=GOOD, region=REGION).get(URL, headers={"x-a": x})),
    ("invalid_header", lambda x: Session(credentials=GOOD, region=REGION).get(URL, headers={x: "a"})),
    ("invalid_session_policy", lambda x: AssumeRole(ROLE_ARN, region=REGION, policy_arns=[x])),
    ("invalid_tag", lambda x: AssumeRole(ROLE_ARN, region=REGION, tags={"a": x})),
    ("invalid_tag", lambda x: AssumeRole(ROLE_ARN, region=REGION, transitive_tag_keys=[x])),
]

# As those of the text above, where None means that there is none.
OF_TEXT_OR_NONE: list[tuple[str, Callable[[Any], object]]] = [
    ("invalid_region", lambda x: AssumeRole(ROLE_ARN, region=x)),
    ("invalid_region", lambda x: Session(ROLE_ARN, region=x)),
    ("invalid_region", lambda x: Session(credentials=GOOD, region=x)),
    ("invalid_region", lambda x: SigV4Auth(credentials=GOOD, region=x)),
    ("invalid_service", lambda x: Session(credentials=GOOD, region=REGION, service=x)),
    ("invalid_service", lambda x: SigV4Auth(credentials=GOOD, region=REGION, service=x)),
    ("invalid_credentials", lambda x: Credentials("AKIDEXAMPLE", "secret", x)),
    ("invalid_role_arn", lambda x: Session(x, region=REGION)),
    ("invalid_endpoint", lambda x: Session(ROLE_ARN, region=REGION, base_url=x)),
    ("invalid_session_name", lambda x: AssumeRole(ROLE_ARN, region=REGION, session_name=x)),
    ("invalid_external_id", lambda x: AssumeRole(ROLE_ARN, region=REGION, external_id=x)),
    ("invalid_session_policy", lambda x: AssumeRole(ROLE_ARN, region=REGION, policy=x)),
    ("invalid_source_identity", lambda x: AssumeRole(ROLE_ARN, region=REGION, source_identity=x)),
    ("invalid_endpoint", lambda x: AssumeRole(ROLE_ARN, region=REGION, sts_endpoint=x)),
]

OF_OTHER_TYPES: list[tuple[str, Callable[[Any], object], list[object]]] = [
    ("invalid_credentials", lambda x: Signer(x, REGION), [None, 5, "key", {}]),
    ("invalid_credentials", lambda x: SigV4Auth(credentials=x, region=REGION), [5, "key", object()]),
    ("invalid_credentials", lambda x: Session(region=REGION, credentials=x), [5, "key", object()]),
    ("invalid_credentials", lambda x: AssumeRole(ROLE_ARN, region=REGION, base=x), [5, "", "key", object()]),
    ("invalid_time", lambda x: Credentials("AKIDEXAMPLE", "secret", None, x), [5, 1.5, "2030-01-01", NOW.date()]),
    ("invalid_time", lambda x: Signer(GOOD, REGION).sign("GET", URL, now=x), [5, "now", NOW.time(), mock.Mock()]),
    ("invalid_expires_in", lambda x: Signer(GOOD, REGION).presign("GET", URL, expires_in=x), [None, "9", 1.5, True]),
    ("invalid_expires_in", lambda x: Signer(GOOD, REGION).presign("GET", URL, expires_in=x), [2**70, -(2**70)]),
    ("invalid_duration", lambda x: AssumeRole(ROLE_ARN, region=REGION, duration_seconds=x), [None, "900", 900.5]),
    ("invalid_duration", lambda x: AssumeRole(ROLE_ARN, region=REGION, duration_seconds=x), [True, 2**70]),
    ("invalid_session_policy", lambda x: AssumeRole(ROLE_ARN, region=REGION, policy_arns=x), [5, "arn", b"arn"]),
    ("invalid_tag", lambda x: AssumeRole(ROLE_ARN, region=REGION, tags=x), [5, "a", [("a", "b")]]),
    ("invalid_tag", lambda x: AssumeRole(ROLE_ARN, region=REGION, transitive_tag_keys=x), [5, "a"]),
    ("invalid_header", lambda x: Signer(GOOD, REGION).sign("GET", URL, x), [5, "a", object(), ["a"]]),
    ("invalid_header", lambda x: Session(credentials=GOOD, region=REGION).get(URL, headers=x), [5, "a", ["a"]]),
    ("invalid_header", lambda x: Session(credentials=GOOD, region=REGION).put(URL, headers=x, json={}), [5, "a", [5]]),
    ("invalid_option", lambda x: Session(credentials=GOOD, region=REGION).get(URL, params=x), [5, [5], {"a": b"\xff"}]),
    ("invalid_option", lambda x: Session(credentials=GOOD, region=REGION).get(URL, params=x), [b"\xff", {"a": LONE}]),
    ("invalid_option", lambda x: Session(credentials=GOOD, region=REGION).get(URL, timeout=x), ["1", 10**400, (1,)]),
    ("invalid_body", lambda x: Session(credentials=GOOD, region=REGION).put(URL, data=x), [LONE, {"a": LONE}, [5]]),
    ("invalid_body", lambda x: Session(credentials=GOOD, region=REGION).put(URL, json=x), [LONE, {LONE: 1}]),
    ("invalid_body", lambda x: Signer(GOOD, REGION).sign("PUT", URL, body=x), [LONE, 5, object()]),
]


def test_c10_wrong_types_have_a_code() -> None:
    for code, call in OF_TEXT:
        for value in (None, 5, object(), LONE):
            refused(code, lambda call=call, value=value: call(value))
    for code, call in OF_TEXT_OR_NONE:
        for value in (5, object(), LONE):
            refused(code, lambda call=call, value=value: call(value))
    for code, call, values in OF_OTHER_TYPES:
        for value in values:
            refused(code, lambda call=call, value=value: call(value))


def test_c10_another_librarys_credentials_are_named() -> None:
    theirs: Any = awscrt.auth.AwsCredentials("AKID", "secret")
    error = refused("invalid_credentials", lambda: Signer(theirs, REGION))
    assert "`awscrt.auth.AwsCredentials`" in str(error)


def test_c10_a_mapping_of_tags_is_one() -> None:
    from types import MappingProxyType

    tags = MappingProxyType({"team": "shop"})
    with serve() as sts, pytest.raises(xacct_sign.XacctSignError):
        fake_role(sts, tags=tags).credentials()
    assert sts.requests[0].form["Tags.member.1.Key"] == "team"


def test_c10_a_clock_that_is_mocked_is_none_of_ours() -> None:
    signer = Signer(GOOD, REGION)
    expected = signer.sign("GET", URL, now=NOW)
    with mock.patch("datetime.datetime") as fake:
        assert datetime_module.datetime is fake
        assert signer.sign("GET", URL, now=NOW) == expected
        assert Credentials("AKIDEXAMPLE", "secret", None, NOW).expires_at == NOW

    class Frozen(datetime):
        """As freezegun makes one."""

    with mock.patch("datetime.datetime", Frozen):
        assert signer.sign("GET", URL, now=NOW) == expected
        assert signer.sign("GET", URL, now=Frozen(2015, 8, 30, 12, 36, tzinfo=timezone.utc)) == expected


def test_c10_connect_is_refused() -> None:
    with serve() as server:
        session = Session(credentials=GOOD, region=REGION)
        for method in ("CONNECT", "connect"):
            refused("invalid_method", lambda method=method: session.request(method, server.url))
        refused("invalid_method", lambda: Signer(GOOD, REGION).sign("CONNECT", URL))
        refused("invalid_method", lambda: Signer(GOOD, REGION).presign("CONNECT", URL))
        refused(
            "invalid_method",
            lambda: requests.request("CONNECT", server.url, auth=SigV4Auth(credentials=GOOD, region=REGION)),
        )
    assert server.connections == 0


@pytest.mark.parametrize("secret", [SECRET, SECRET.replace("/", "a").replace("+", "b"), "IQoJb3JpZ2luX2VjE" * 20])
def test_c10_a_secret_in_the_wrong_place_is_not_shown(secret: str) -> None:
    signer = Signer(GOOD, REGION)
    session = Session(credentials=GOOD, region=REGION)
    for call in (
        lambda: Signer(GOOD, secret),
        lambda: Signer(GOOD, REGION, secret + "/"),
        lambda: Session(secret, region=REGION),
        lambda: Session(ROLE_ARN, region=secret),
        lambda: AssumeRole(ROLE_ARN, region=REGION, session_name=secret + "/"),
        lambda: AssumeRole(ROLE_ARN, region=REGION, source_identity=secret + "/"),
        lambda: AssumeRole(ROLE_ARN, region=REGION, policy_arns=[secret]),
        lambda: signer.sign(secret + "/", URL),
        lambda: signer.sign("GET", URL, {secret + "/": "a"}),
        lambda: signer.sign("GET", URL, {secret.replace("/", ""): "a\n"}),
        lambda: session.get(URL, headers={secret + "/": "a"}),
        lambda: session.get(URL, headers={secret.replace("/", ""): "a\n"}),
        lambda: session.request(secret + "/", URL),
    ):
        with pytest.raises(xacct_sign.ValidationError) as caught:
            call()
        assert secret[:12] not in str(caught.value), caught.value


def test_c5_a_proxy_gets_no_signed_loopback_request(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve() as api, serve() as proxy:
        auth = SigV4Auth(credentials=GOOD, region=REGION)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            with monkeypatch.context() as patch:
                patch.setenv(name, proxy.url)
                error = refused("insecure_url", lambda: requests.get(api.url, auth=auth))
                assert error.hint is not None
                assert "NO_PROXY" in error.hint
                patch.setenv("NO_PROXY", "localhost,127.0.0.1,::1")
                assert requests.get(api.url, auth=auth).status_code == 200
    assert proxy.connections == 0
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    "make",
    [
        lambda: GOOD,
        lambda: Signer(GOOD, REGION),
        lambda: AssumeRole(ROLE_ARN, region=REGION),
        lambda: Session(credentials=GOOD, region=REGION),
        lambda: SigV4Auth(credentials=GOOD, region=REGION),
    ],
)
@pytest.mark.parametrize("clone", [copy.deepcopy, pickle.dumps])
def test_what_holds_a_secret_is_neither_pickled_nor_copied(
    make: Callable[[], object], clone: Callable[..., Any]
) -> None:
    with pytest.raises(TypeError, match="cannot be pickled or copied: share the object"):
        clone(make())


@pytest.mark.parametrize("quote", ['"', "'"])
def test_credentials_with_their_quotes_on_have_a_hint(quote: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv(name, f"{quote}{SECRET}{quote}")
        error = refused("invalid_credentials", lambda: Session(region=REGION, credentials=Environment()).get(URL))
        assert error.hint is not None
        assert "--env-file" in error.hint
        assert SECRET not in str(error)


@pytest.mark.filterwarnings("ignore::requests.exceptions.FileModeWarning")
def test_a_file_that_is_open_as_text_is_refused_by_the_adapter(tmp_path: Path) -> None:
    """How requests encodes it is its own business; a session reads it and sends UTF-8."""
    path = tmp_path / "body"
    path.write_text("ü", encoding="utf-8")
    with serve() as server:
        auth = SigV4Auth(credentials=GOOD, region=REGION)
        with path.open(encoding="utf-8") as text:
            refused("invalid_body", lambda: requests.put(server.url, data=text, auth=auth))
            Session(credentials=GOOD, region=REGION).put(server.url, data=text)
        refused("invalid_body", lambda: requests.put(server.url, data=io.StringIO("ü"), auth=auth))
        with path.open("rb") as binary:
            requests.put(server.url, data=binary, auth=auth)
    assert [request.body for request in server.requests] == ["ü".encode()] * 2


@pytest.mark.parametrize("value", [True, 1, ["a"], None, LONE], ids=repr)
def test_a_header_that_is_no_text_is_named(value: Any) -> None:
    for call in (
        lambda: Signer(GOOD, REGION).sign("GET", URL, {"x-request-id": value}),
        lambda: Signer(GOOD, REGION).sign("GET", URL, [("x-a", "b"), ("x-request-id", value)]),
        lambda: Session(credentials=GOOD, region=REGION).get(URL, headers={"x-request-id": value}),
        lambda: Session(credentials=GOOD, region=REGION, headers={"x-request-id": value}).get(URL),
    ):
        error = refused("invalid_header", call)
        assert "`x-request-id`" in error.args[0]
        assert type(value).__name__ in error.args[0] or value == LONE
        # What is in the place of a name may be a secret.
        assert SECRET not in str(refused("invalid_header", lambda: Signer(GOOD, REGION).sign("GET", URL, {SECRET: 1})))


def test_a_base_url_that_is_none_is_said_with_its_reason() -> None:
    def said(base_url: str) -> str:
        return refused("invalid_endpoint", lambda: Session(ROLE_ARN, region=REGION, base_url=base_url)).args[0]

    assert said("server.stag") == "the base URL is not a usable URL: the URL `server.stag` is not absolute"
    assert "`ftp`" in said("ftp://server.stag/")
    assert SECRET not in said(f"https://user:{SECRET}@a b/?q={SECRET}")
