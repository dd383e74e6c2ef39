"""A `Session` that says who calls. What it has in common with the adapters is in test_identity.py."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest
import xacct_sign
from helpers import REGION, Answer, Request, serve, sts_error
from xacct_sign import IdentityProof, IdentityToken

AUDIENCE = "https://api.example.com"
KEYS = xacct_sign.Credentials("ASIAIOSFODNN7EXAMPLE", "secret", "token")
PROOF = IdentityProof(AUDIENCE, region=REGION, base=KEYS)


def test_a_redirect_within_the_origin_is_followed_and_one_to_elsewhere_is_the_answer() -> None:
    with serve() as other:
        targets = {"/within": "/end", "/elsewhere": f"{other.url}/end"}

        def answer(request: Request) -> Answer:
            target = targets.get(request.target)
            return Answer(307, {"location": target}) if target else Answer()

        with serve(answer) as server, xacct_sign.Session(identity=PROOF) as session:
            followed = session.post(f"{server.url}/within", data=b"x")
            elsewhere = session.post(f"{server.url}/elsewhere", data=b"x")
    assert (followed.status_code, followed.url) == (200, f"{server.url}/end")
    assert (elsewhere.status_code, elsewhere.headers["location"]) == (307, f"{other.url}/end")
    assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {PROOF.proof()}"}
    assert other.requests == []


def test_it_is_a_session_as_any_other() -> None:
    body = io.BytesIO(b"from a file")
    with serve(lambda _: Answer(body=b"piece" * 1000)) as server:
        headers = {"authorization": "Basic eDp5", "x-of": "each"}
        session = xacct_sign.Session(identity=PROOF, base_url=f"{server.url}/v1", headers=headers)
        with session, session.put("/hoge", params={"q": "a b"}, data=body, stream=True) as answer:
            assert b"".join(answer.iter_content(7)) == b"piece" * 1000
        with pytest.raises(xacct_sign.XacctSignError) as closed:
            session.get("/hoge")
    (request,) = server.requests
    assert (request.target, request.body, body.tell()) == ("/v1/hoge?q=a%20b", b"from a file", 0)
    assert (request.headers["authorization"], request.headers["x-of"]) == (f"Bearer {PROOF.proof()}", "each")
    assert closed.value.code == "closed"


def test_its_identity_is_refreshed() -> None:
    given = iter("ab")

    def base() -> xacct_sign.Credentials:
        # Without an end it is asked for each request.
        return xacct_sign.Credentials("ASIAIOSFODNN7EXAMPLE", "secret", next(given))

    with serve() as server, xacct_sign.Session(identity=IdentityProof(AUDIENCE, region=REGION, base=base)) as session:
        session.get(server.url)
        session.get(server.url)
    first, second = (request.headers["authorization"] for request in server.requests)
    assert first != second


def test_its_timeout_is_that_of_the_identity_too(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def hang(_: Request) -> Answer:
        answered.wait()
        return sts_error(500, "InternalFailure", "late")

    with serve(hang) as sts, serve() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        identity = IdentityToken(AUDIENCE, region=REGION, base=KEYS)
        try:
            with pytest.raises(xacct_sign.TransportTimeout):
                xacct_sign.Session(identity=identity, timeout=0.3).get(server.url)
        finally:
            answered.set()
    assert server.requests == []


def test_a_refusal_shows_nothing_of_it() -> None:
    said = f"Bearer {PROOF.proof()}"
    with serve(lambda _: Answer(403, {"x-xacct-reason": said}, said.encode())) as server:
        answer = xacct_sign.Session(identity=PROOF).get(server.url)
    with pytest.raises(xacct_sign.HttpStatusError) as refused:
        answer.raise_for_status()
    found = refused.value.explain()
    assert [finding.code for finding in found] == ["refused_by_application"]
    assert PROOF.proof() not in f"{refused.value} {found} {found[0].reason} {found[0].hint}"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "headers", "body", "code"),
    [
        (401, {"www-authenticate": "Bearer"}, b"", "identity_refused"),
        (403, {}, b"", "route_refused"),
        (503, {}, b"", "identity_unchecked"),
        (403, {"apigw-requestid": "Z3"}, b"", "route_refused"),
        (401, {"www-authenticate": "Bearer"}, b'{"detail":"Unauthorized"}', "identity_refused"),
        (403, {}, b'{"detail":"Forbidden"}', "route_refused"),
        (503, {}, b'{"detail":"Service Unavailable"}', "identity_unchecked"),
    ],
)
def test_a_servers_refusal_explains_itself(
    status: int, headers: dict[str, str], body: bytes, code: str, stream: bool
) -> None:
    with serve(lambda _: Answer(status, headers, body)) as server:
        answer = xacct_sign.Session(identity=PROOF).get(server.url, stream=stream)
        with pytest.raises(xacct_sign.HttpStatusError) as refused:
            answer.raise_for_status()
        found = refused.value.explain()
    assert [finding.code for finding in found] == [code]
    assert "the server" in found[0].reason
    # No gateway has a log.
    says = "this error's `explain()` says what can be told from here, and whose side it is on"
    assert refused.value.hint == (says if status in (401, 403) else None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"role": "arn:aws:iam::111111111111:role/Api"}, "both `role` and `identity` are given"),
        ({"role": None}, "both `role` and `identity` are given"),
        ({"role": ""}, "both `role` and `identity` are given"),
        ({"credentials": KEYS}, "both `credentials` and `identity` are given"),
        ({"region": REGION}, "both `region` and `identity` are given"),
        ({"service": "execute-api"}, "both `service` and `identity` are given"),
        ({"identity": None, "identity_header": "x-caller", "credentials": KEYS}, "`identity_header` needs an identity"),
        ({"identity": KEYS}, "what should say who calls is neither an IdentityToken nor an IdentityProof"),
        ({"identity": PROOF.proof}, "what should say who calls is neither an IdentityToken nor an IdentityProof"),
    ],
)
def test_what_does_not_go_with_an_identity_is_refused(options: dict[str, Any], message: str) -> None:
    """As `createFetch` does in JavaScript."""
    with pytest.raises(xacct_sign.ValidationError) as refused:
        xacct_sign.Session(**({"identity": PROOF} | options))
    assert refused.value.code == "invalid_option"
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    "header",
    [
        *("", "a b", "Host", "content-length", "Transfer-Encoding", "connection"),
        *("Proxy-Authorization", "proxy-authenticate", "proxy-connection"),
    ],
)
def test_no_identity_stands_in_a_header_of_the_connection(header: str) -> None:
    with pytest.raises(xacct_sign.ValidationError, match="the header for the identity") as refused:
        xacct_sign.Session(identity=PROOF, identity_header=header)
    assert refused.value.code == "invalid_header"


@pytest.mark.parametrize("header", ["Content-Type", "cookie"])
def test_no_identity_stands_in_a_header_that_clients_set_themselves(header: str) -> None:
    """As in JavaScript, where those are refused besides that `fetch` sets."""
    kept = f"`{header.lower()}`, which HTTP clients and proxies keep for themselves"
    with pytest.raises(xacct_sign.ValidationError, match=kept) as refused:
        xacct_sign.Session(identity=PROOF, identity_header=header)
    assert refused.value.code == "invalid_header"


def test_an_identity_that_is_none_ends_in_no_signature() -> None:
    with pytest.raises(xacct_sign.ValidationError) as refused:
        xacct_sign.Session(identity=None)
    assert refused.value.code == "role_not_given"
    # As in JavaScript: it was told to give a role's ARN.
    hint = "`identity` is not given either: give an `IdentityToken` or an `IdentityProof`"
    assert refused.value.hint == hint
    for options in ({}, {"role": None}, {"role": "", "identity": None}):
        with pytest.raises(xacct_sign.ValidationError) as refused:
            xacct_sign.Session(**options)
        assert refused.value.code == "role_not_given"
        assert refused.value.hint != hint
    with xacct_sign.Session(identity=None, credentials=KEYS, region=REGION):
        pass
