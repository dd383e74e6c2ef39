"""Who calls: tokens that others' libraries verify, calls that others make, and adapters that say it where they may."""

from __future__ import annotations

import asyncio
import copy
import gc
import io
import json
import os
import pickle
import re
import subprocess
import sys
import threading
import weakref
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import boto3
import httpx
import jwt
import pytest
import requests
import trio
import xacct_sign
import xacct_sign.aiohttp
import xacct_sign.httpx
import xacct_sign.requests
from emulator import REPOSITORY, Emulator
from helpers import REGION, Answer, Request, moto_server, serve, sts_error
from joserfc import jwt as jose
from joserfc.jwk import KeySet
from xacct_sign import IdentityProof, IdentityToken

AUDIENCE = "https://api.example.com"
MAY_HAVE_TOKENS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:GetWebIdentityToken",
            "Resource": "*",
            "Condition": {
                "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": AUDIENCE},
                "Null": {"sts:IdentityTokenAudience": "false"},
            },
        }
    ],
}


@pytest.fixture(scope="module")
def issuing(_scrubbed_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator whose caller may have tokens."""
    policy = tmp_path_factory.mktemp("policies") / "shop.json"
    policy.write_text(json.dumps(MAY_HAVE_TOKENS))
    with Emulator("--explain", "--caller-policy", f"shop={policy}") as running:
        yield running


@pytest.fixture(autouse=True)
def _at_the_emulator(issuing: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", issuing.sts_url)


def token(emulator: Emulator, **options: Any) -> IdentityToken:
    return IdentityToken(AUDIENCE, region=REGION, base=emulator.base(), **options)


def proof(emulator: Emulator) -> IdentityProof:
    return IdentityProof(AUDIENCE, region=REGION, base=emulator.base())


def sts_client(credentials: xacct_sign.Credentials, url: str) -> Any:
    return boto3.client(
        "sts",
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token,
    )


# ---------------------------------------------------------------- others' libraries


@pytest.mark.parametrize("algorithm", ["ES384", "RS256"])
def test_pyjwt_and_joserfc_verify_a_token_with_the_discovered_keys(issuing: Emulator, algorithm: str) -> None:
    text = token(issuing, algorithm=algorithm).token()
    issuer = issuing.caller()["issuer"]
    found = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10).json()
    assert found["issuer"] == issuer
    # PyJWT fetches the keys itself.
    key = jwt.PyJWKClient(found["jwks_uri"]).get_signing_key_from_jwt(text).key
    claims = jwt.decode(text, key, algorithms=[algorithm], audience=AUDIENCE, issuer=issuer)
    assert claims["sub"] == "arn:aws:iam::000000000000:role/LambdaRoleDeve"
    assert claims["exp"] - claims["iat"] == 300
    keys = KeySet.import_key_set(requests.get(found["jwks_uri"], timeout=10).json())
    assert jose.decode(text, keys, algorithms=[algorithm]).claims == claims
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(text, key, algorithms=[algorithm], audience="https://other.example.com")
    head, payload, signature = text.split(".")
    tampered = f"{head}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(tampered, key, algorithms=[algorithm], audience=AUDIENCE)


def test_botocores_own_calls_pass_at_the_emulator(issuing: Emulator) -> None:
    client = sts_client(issuing.base(), issuing.sts_url)
    assert client.get_caller_identity()["Arn"] == "arn:aws:sts::000000000000:assumed-role/LambdaRoleDeve/shop"
    given = client.get_web_identity_token(Audience=[AUDIENCE], SigningAlgorithm="ES384", DurationSeconds=60)
    claims = jwt.decode(given["WebIdentityToken"], options={"verify_signature": False})
    assert claims["exp"] == given["Expiration"].timestamp()
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.get_web_identity_token(Audience=["https://other.example.com"], SigningAlgorithm="ES384")
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    requests.post(f"{issuing.caller()['issuer']}/disable", timeout=10).raise_for_status()
    try:
        with pytest.raises(client.exceptions.OutboundWebIdentityFederationDisabledException):
            client.get_web_identity_token(Audience=[AUDIENCE], SigningAlgorithm="ES384")
        with pytest.raises(xacct_sign.StsError) as disabled:
            token(issuing).token()
    finally:
        requests.post(f"{issuing.caller()['issuer']}/enable", timeout=10).raise_for_status()
    assert (disabled.value.code, disabled.value.action) == ("sts_denied", "GetWebIdentityToken")
    assert "enable-outbound-web-identity-federation" in str(disabled.value.hint)


def test_botocores_request_for_a_token_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = xacct_sign.Credentials("AKIDEXAMPLE", "secret", "token")
    with serve(lambda _: sts_error(400, "ValidationError", "no")) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
        client = sts_client(credentials, server.url)
        with pytest.raises(client.exceptions.ClientError):
            client.get_web_identity_token(
                Audience=["https://a+b/%20&c=~"], SigningAlgorithm="RS256", DurationSeconds=60
            )
        ours = IdentityToken(
            "https://a+b/%20&c=~", region=REGION, algorithm="RS256", duration_seconds=60, base=credentials
        )
        with pytest.raises(xacct_sign.StsError):
            ours.token()
    theirs, mine = server.requests
    assert (
        mine.form
        == theirs.form
        == {
            "Action": "GetWebIdentityToken",
            "Version": "2011-06-15",
            "Audience.member.1": "https://a+b/%20&c=~",
            "SigningAlgorithm": "RS256",
            "DurationSeconds": "60",
        }
    )
    assert (mine.method, mine.target) == (theirs.method, theirs.target) == ("POST", "/")
    assert mine.headers["content-type"] == theirs.headers["content-type"]
    scope = [request.headers["authorization"].split("Credential=")[1].split(",")[0] for request in server.requests]
    assert scope[0].split("/", 2)[2] == scope[1].split("/", 2)[2] == f"{REGION}/sts/aws4_request"


def request_of(text: str, audience: str = AUDIENCE) -> tuple[dict[str, str], str]:
    """The one request that a server builds of a proof: headers and body, as the documentation has them."""
    start, _, encoded = text.partition(".")
    values = json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    assert (start, list(values)) == ("xacct1", ["region", "key", "date", "token", "signature"])
    scope = f"{values['date'][:8]}/{values['region']}/sts/aws4_request"
    signed = "accept;content-type;host;x-amz-date;x-amz-security-token;x-xacct-audience"
    headers = {
        "accept": "application/xml",
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "host": f"sts.{values['region']}.amazonaws.com",
        "x-amz-date": values["date"],
        "x-amz-security-token": values["token"],
        "x-xacct-audience": audience,
        "authorization": f"AWS4-HMAC-SHA256 Credential={values['key']}/{scope}, SignedHeaders={signed}, "
        f"Signature={values['signature']}",
    }
    return headers, "Action=GetCallerIdentity&Version=2011-06-15"


def test_the_emulators_sts_answers_a_proof(issuing: Emulator) -> None:
    text = proof(issuing).proof()
    headers, body = request_of(text)
    answer = requests.post(issuing.sts_url, data=body, headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text
    assert "<Arn>arn:aws:sts::000000000000:assumed-role/LambdaRoleDeve/shop</Arn>" in answer.text
    headers, body = request_of(text, "https://other.example.com")
    assert requests.post(issuing.sts_url, data=body, headers=headers, timeout=10).status_code == 403


def test_motos_sts_answers_a_proof_and_refuses_a_tampered_one(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first two calls make a role and its session; from then on moto checks signatures.
    monkeypatch.setenv("INITIAL_NO_AUTH_ACTION_COUNT", "2")
    with moto_server() as url:
        options = {"region_name": REGION, "endpoint_url": url}
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        role = boto3.client("iam", **options, **keys).create_role(RoleName="Shop", AssumeRolePolicyDocument=trust)
        sts = boto3.client("sts", **options, **keys)
        given = sts.assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName="orders")["Credentials"]
        parts = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        text = IdentityProof(AUDIENCE, region=REGION, base=xacct_sign.Credentials(*parts)).proof()

        def send(headers: dict[str, str], body: str) -> requests.Response:
            return requests.post(url, data=body, headers=headers, timeout=10)

        answer = send(*request_of(text))
        assert answer.status_code == 200, answer.text
        assert ":assumed-role/Shop/orders</Arn>" in answer.text
        # Made for another server; of another second; by another key.
        assert send(*request_of(text, "https://other.example.com")).status_code == 403
        for name in ("x-amz-date", "authorization"):
            headers, body = request_of(text)
            last = headers[name][-1 if name == "authorization" else -2]
            other = "1" if last != "1" else "2"
            changed = headers[name][:-1] + other if name == "authorization" else f"{headers[name][:-2]}{other}Z"
            assert send(headers | {name: changed}, body).status_code == 403, name


# ---------------------------------------------------------------- adapters

Call = Callable[..., tuple[int, bytes]]


def by_requests(identity: Any, method: str, url: str, header: dict[str, str], body: Any = None, **given: Any) -> Any:
    auth = xacct_sign.requests.IdentityAuth(identity, **header)
    answer = requests.request(method, url, auth=auth, data=body, timeout=10, **given)
    return answer.status_code, answer.content


def by_session(identity: Any, method: str, url: str, header: dict[str, str], body: Any = None, **given: Any) -> Any:
    named = {f"identity_{name}": value for name, value in header.items()}
    with xacct_sign.Session(identity=identity, timeout=10, **named) as session:
        answer = session.request(method, url, data=body, **given)
    return answer.status_code, answer.content


def by_httpx(identity: Any, method: str, url: str, header: dict[str, str], body: Any = None, **given: Any) -> Any:
    auth = xacct_sign.httpx.IdentityAuth(identity, **header)
    with httpx.Client(auth=auth, follow_redirects=True, timeout=10) as client:
        answer = client.request(method, url, content=body, **given)
    return answer.status_code, answer.content


async def _httpx(identity: Any, method: str, url: str, header: dict[str, str], body: Any, given: Any) -> Any:
    auth = xacct_sign.httpx.IdentityAuth(identity, **header)
    async with httpx.AsyncClient(auth=auth, follow_redirects=True, timeout=10) as client:
        answer = await client.request(method, url, content=body, **given)
    return answer.status_code, answer.content


async def _aiohttp(identity: Any, method: str, url: str, header: dict[str, str], body: Any, given: Any) -> Any:
    middleware = xacct_sign.aiohttp.IdentityMiddleware(identity, **header)
    async with (
        aiohttp.ClientSession(middlewares=[middleware]) as session,
        session.request(method, url, data=body, **given) as answer,
    ):
        return answer.status, await answer.read()


ADAPTERS: dict[str, Call] = {
    "requests": by_requests,
    "httpx": by_httpx,
    "httpx-asyncio": lambda *call, body=None, **given: asyncio.run(_httpx(*call, body, given)),
    "httpx-trio": lambda *call, body=None, **given: trio.run(_httpx, *call, body, given),
    "aiohttp": lambda *call, body=None, **given: asyncio.run(_aiohttp(*call, body, given)),
}
each_adapter = pytest.mark.parametrize("adapter", ADAPTERS)
CLIENTS = ADAPTERS | {"session": by_session}
each_client = pytest.mark.parametrize("client", CLIENTS)
each_identity = pytest.mark.parametrize("make", [token, proof], ids=["token", "proof"])


def said(identity: IdentityToken | IdentityProof) -> str:
    return f"Bearer {identity.token() if isinstance(identity, IdentityToken) else identity.proof()}"


@each_client
@each_identity
def test_a_request_says_who_calls(issuing: Emulator, client: str, make: Callable[[Emulator], Any]) -> None:
    identity = make(issuing)
    with serve() as server:
        assert CLIENTS[client](identity, "PUT", f"{server.url}/a%20b?q=1", {}, body=b"hello")[0] == 200
    (request,) = server.requests
    assert (request.method, request.target, request.body) == ("PUT", "/a%20b?q=1", b"hello")
    assert request.headers["authorization"] == said(identity)
    assert not [name for name in request.headers if name.startswith("x-amz-")]


@each_client
def test_it_stands_in_a_header_of_ones_choice(issuing: Emulator, client: str) -> None:
    identity = token(issuing)
    with serve() as server:
        url, mine = f"{server.url}/", {"authorization": "Basic eDp5"}
        CLIENTS[client](identity, "GET", url, {"header": "X-Caller"}, headers=mine)
        CLIENTS[client](identity, "GET", url, {}, headers=mine)
    own, replaced = server.requests
    assert (own.headers["authorization"], own.headers["x-caller"]) == ("Basic eDp5", said(identity))
    assert replaced.headers["authorization"] == said(identity)


@each_adapter
@pytest.mark.parametrize("header", [{}, {"header": "x-caller"}], ids=["authorization", "x-caller"])
def test_a_redirect_to_another_origin_carries_no_identity(
    issuing: Emulator, adapter: str, header: dict[str, str]
) -> None:
    identity = token(issuing)
    name = header.get("header", "authorization")
    with serve() as other:

        def answer(request: Request) -> Answer:
            targets = {"/elsewhere": f"{other.url}/end", "/within": "/end"}
            target = targets.get(request.target)
            return Answer(307, {"location": target}) if target else Answer()

        with serve(answer) as server:
            for path in ("/within", "/elsewhere"):
                assert ADAPTERS[adapter](identity, "POST", server.url + path, header, body=b"x")[0] == 200
    assert [request.target for request in server.requests] == ["/within", "/end", "/elsewhere"]
    assert {request.headers[name] for request in server.requests} == {said(identity)}
    (gone,) = other.requests
    assert (gone.body, gone.headers.get(name)) == (b"x", None)
    assert identity.token() not in str(gone.headers)


@each_client
def test_no_identity_goes_over_plain_http(issuing: Emulator, client: str) -> None:
    identity = token(issuing)
    with pytest.raises(xacct_sign.ValidationError) as refused:
        CLIENTS[client](identity, "GET", "http://api.example.com/", {})
    assert refused.value.code == "insecure_url"
    assert "signed" not in str(refused.value)


def test_a_file_is_read_once(issuing: Emulator) -> None:
    """A signature would have to read it before."""

    class Counted(io.BytesIO):
        count = 0

        def read(self, size: int | None = -1) -> bytes:
            chunk = super().read(size)
            self.count += len(chunk)
            return chunk

    body = Counted(b"stream")
    with serve() as server:
        by_requests(token(issuing), "POST", f"{server.url}/", {}, body=body)
    assert (server.requests[0].body, body.count) == (b"stream", 6)


def test_what_loops_wait_for_comes_beside_and_once(issuing: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def base() -> xacct_sign.Credentials:
        calls.append(threading.get_ident())
        return issuing.base()

    identity = IdentityToken(AUDIENCE, region=REGION, base=base)

    async def all_at_once(url: str) -> set[int]:
        async with aiohttp.ClientSession(middlewares=[xacct_sign.aiohttp.IdentityMiddleware(identity)]) as session:

            async def one() -> int:
                async with session.get(url) as answer:
                    return answer.status

            return set(await asyncio.gather(*(one() for _ in range(20))))

    with serve() as server:
        assert asyncio.run(all_at_once(f"{server.url}/")) == {200}
    assert len({request.headers["authorization"] for request in server.requests}) == 1
    assert len(calls) == 1
    assert calls[0] != threading.get_ident()


@each_client
def test_what_sts_says_is_raised(issuing: Emulator, client: str) -> None:
    identity = IdentityToken("https://not-allowed.example.com", region=REGION, base=issuing.base())
    with serve() as server, pytest.raises(xacct_sign.StsError) as refused:
        CLIENTS[client](identity, "GET", f"{server.url}/", {})
    assert (refused.value.code, server.requests) == ("sts_denied", [])


# ---------------------------------------------------------------- the objects


def test_threads_share_one_token(issuing: Emulator) -> None:
    identity = token(issuing)
    before = issuing.log().count("GetWebIdentityToken")
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(identity.token())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1
    assert issuing.log().count("GetWebIdentityToken") == before + 1


def test_a_base_may_be_anything_that_gives_credentials(issuing: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in issuing.environment().items():
        monkeypatch.setenv(name, value)
    keys = issuing.base()
    session = boto3.Session(keys.access_key_id, keys.secret_access_key, keys.session_token)
    for base in (None, xacct_sign.Environment(), xacct_sign.DefaultCredentials(), issuing.base, session):
        assert IdentityToken(AUDIENCE, region=REGION, base=base).token().count(".") == 2
        assert IdentityProof(AUDIENCE, region=REGION, base=base).proof().startswith("xacct1.")


def test_an_adapter_takes_an_identity_alone(issuing: Emulator) -> None:
    for wrong in ("token", None, issuing.base(), IdentityToken):
        for adapter in (
            xacct_sign.requests.IdentityAuth,
            xacct_sign.httpx.IdentityAuth,
            xacct_sign.aiohttp.IdentityMiddleware,
        ):
            with pytest.raises(xacct_sign.ValidationError) as refused:
                adapter(wrong)  # type: ignore[arg-type]
            assert refused.value.code == "invalid_option"
    for header in ("", "a b", "ü", "a:b", None):
        with pytest.raises(xacct_sign.ValidationError) as refused:
            xacct_sign.requests.IdentityAuth(token(issuing), header=header)  # type: ignore[arg-type]
        assert refused.value.code == "invalid_header"


def test_nothing_secret_is_shown_and_nothing_is_copied(issuing: Emulator) -> None:
    for identity in (token(issuing), proof(issuing)):
        secret = said(identity)[10:]
        auth = xacct_sign.httpx.IdentityAuth(identity, header="x-caller")
        flow = auth.sync_auth_flow(httpx.Request("GET", "https://api.example.com/"))
        shown = f"{identity!r} {next(flow).headers!r}"
        assert AUDIENCE in shown
        assert secret not in shown
        for copied in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot be pickled or copied"):
                copied(identity)


def test_an_object_that_is_its_own_base_is_collected() -> None:
    class Caller:
        def __init__(self) -> None:
            self.token = IdentityToken(AUDIENCE, region=REGION, base=self.credentials)
            self.auth = xacct_sign.requests.IdentityAuth(self.token)
            self.proof = IdentityProof(AUDIENCE, region=REGION, base=self.credentials)
            self.session = xacct_sign.Session(identity=self.proof)

        def credentials(self) -> xacct_sign.Credentials:
            raise AssertionError

    caller = Caller()
    gone = weakref.ref(caller)
    del caller
    gc.collect()
    assert gone() is None


def test_refreshes_are_logged(issuing: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="xacct_sign"):
        token(issuing).token()
    (line,) = [record.getMessage() for record in caplog.records if record.name == "xacct_sign"]
    assert line.startswith(f"GetWebIdentityToken gave a new token for {AUDIENCE}, good until 20")


def test_keys_are_rotated_on_command(issuing: Emulator, tmp_path: Path) -> None:
    issuer = issuing.caller()["issuer"]
    old = token(issuing).token()
    requests.post(f"{issuer}/rotate", timeout=10).raise_for_status()
    new = token(issuing).token()
    keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json")
    assert jwt.get_unverified_header(old)["kid"] != jwt.get_unverified_header(new)["kid"]
    for text in (old, new):
        key = keys.get_signing_key_from_jwt(text).key
        assert jwt.decode(text, key, algorithms=["ES384"], audience=AUDIENCE)["iss"] == issuer


@pytest.mark.parametrize("how", ["Session(identity=", "IdentityAuth("])
def test_the_program_of_the_page_brings_its_token(issuing: Emulator, tmp_path: Path, how: str) -> None:
    page = (REPOSITORY / "docs/python.md").read_text()
    program = next(block for block in re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S) if how in block)
    with serve(lambda _: Answer(body=b"{}")) as server:
        (tmp_path / "program.py").write_text(program.replace(f"{AUDIENCE}/hoge", f"{server.url}/hoge"))
        environment = {**os.environ, **issuing.environment(), "AWS_ENDPOINT_URL_STS": issuing.sts_url}
        subprocess.run([sys.executable, "program.py"], cwd=tmp_path, env=environment, check=True)
    (request,) = server.requests
    assert request.headers["authorization"].startswith("Bearer ey")
