"""What a verifier takes from the network: keys that do not come as they should, and real peers that answer for AWS."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
import serving
import xacct_sign
from emulator import Emulator
from helpers import REGION, Clock, moto_server
from xacct_sign.server import RefusedError, Verifier
from xacct_sign.server.wsgi import CallerMiddleware

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:GetWebIdentityToken", "Resource": "*"}],
}


def token(issuer: str) -> str:
    return "Bearer " + serving.token_of(*map(serving.compact, serving.good(issuer)))


def refusal(verifier: Verifier, authorization: str) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        verifier.check(authorization, "GET", "/items")
    return refused.value


def code(verifier: Verifier, authorization: str) -> tuple[str, int]:
    refused = refusal(verifier, authorization)
    return refused.code, refused.status


# ---------------------------------------------------------------- keys


# What clients follow that follow redirects.
REDIRECTS = [301, 302, 303, 307, 308]


@pytest.mark.parametrize("status", [201, 204, 206, 300, *REDIRECTS, 401, 404, 429, 500, 503])
def test_keys_with_another_status_are_none_and_no_redirect_is_followed(here: serving.Loopback, status: int) -> None:
    here.status = status
    verifier = Verifier(here.world()["world"], development=True)
    assert code(verifier, token(here.issuer("shop"))) == ("keys_unavailable", 503)
    assert here.fetched == ["/issuers/shop/.well-known/jwks.json"]


@pytest.mark.parametrize("status", [300, *REDIRECTS])
@pytest.mark.parametrize("body", [b"", serving.shop_xml()], ids=["empty", "an identity"])
def test_no_redirect_of_stss_is_followed(
    here: serving.Loopback, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", here.url)
    here.answer = (status, body)
    verifier = Verifier(here.world()["world"], development=True)
    proof = serving.proof_of(serving.compact(serving.proof_values()))
    assert code(verifier, f"Bearer {proof}") == ("sts_answer_refused", 503)
    assert here.fetched == ["/"]


@pytest.mark.parametrize("status", REDIRECTS)
def test_who_follows_these_redirects_comes_to_good_answers(here: serving.Loopback, status: int) -> None:
    here.status, here.answer = status, (status, b"")
    path = "/issuers/shop/.well-known/jwks.json"
    assert requests.get(here.url + path, timeout=10).content == serving.key_set("shop_rsa", "shop_ec")
    assert requests.post(here.url, data="x", timeout=10).content == serving.shop_xml()
    assert here.fetched == [path, f"/elsewhere{path}", "/", "/elsewhere/"]


EARLY = """
import json, logging, sys
import serving
from xacct_sign.server import Verifier

logging.basicConfig(stream=sys.stdout, format="%(name)s %(levelname)s %(message)s")
issuer, callers = json.loads(sys.argv[1])
verifier = Verifier(callers, development=True)
for _ in range(3):
    token = serving.token_of(*map(serving.compact, serving.good(issuer)))
    print(verifier.check(f"Bearer {token}", "GET", "/items").name, flush=True)
    input()
"""


def test_keys_that_are_not_fetched_anew_are_logged_once(here: serving.Loopback, tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock")
    issuer = here.issuer("shop")
    words = [sys.executable, "-c", EARLY, json.dumps([issuer, here.world()["world"]])]
    environment = os.environ | clock.environment | {"PYTHONPATH": os.pathsep.join(sys.path)}
    pipe = subprocess.PIPE
    with subprocess.Popen(words, env=environment, stdin=pipe, stdout=pipe, text=True) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        next(line for line in program.stdout if line == "shop\n")
        here.status = 404
        clock.move(timedelta(hours=1))
        print(file=program.stdin, flush=True)
        # By a thread for which the check does not wait.
        said = {program.stdout.readline(), program.stdout.readline()} - {"shop\n"}
        print("\n", file=program.stdin, flush=True)
        rest = program.communicate(timeout=30)[0]
    (line,) = said
    url = f"{issuer}/.well-known/jwks.json"
    assert line.startswith(
        f"xacct_sign WARNING the keys at {url} were not fetched anew, and those at hand still serve, "
    )
    assert line.endswith("transport: the answer has status 404\n")
    assert rest == "shop\n"


@contextlib.contextmanager
def answering(
    *parts: bytes, holds: threading.Event | None = None, drips: bytes = b"", port: int = 0
) -> Iterator[tuple[str, list[bytes]]]:
    """A server that says the same to everybody, and holds each connection for as long as it is told to."""
    heads: list[bytes] = []
    server = socket.create_server(("127.0.0.1", port))

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            heads.append(connection.recv(65536))
            for part in parts:
                connection.sendall(part)
            while holds is not None and not holds.wait(0.1):
                connection.sendall(drips)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}", heads
    finally:
        if holds is not None:
            holds.set()
        server.close()


def verifier_of(issuer: str) -> Verifier:
    callers = serving.tomllib.loads(serving.table())["world"]
    callers["callers"] = [{"name": "shop", "account": "000000000000", "role": "LambdaRoleProd", "issuer": issuer}]
    return Verifier(callers | {"dev_issuers": [issuer]}, development=True)


GOOD = serving.key_set("shop_rsa", "shop_ec")


@pytest.mark.parametrize(
    "parts",
    [
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", *[b"10000\r\n" + b" " * 65536 + b"\r\n"] * 16],
        [b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", GOOD, b" " * (1_000_000 - len(GOOD))],
        [b"HTTP/1.1 200 OK\r\n\r\n", GOOD, b" " * 1_000_000],
        [b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n", GOOD],
        [b"HTTP/1.1 200 OK\r\n", b"x: " + b"y" * 1_000_000, b"\r\n\r\n", GOOD],
        [b"GET / HTTP/1.1\r\n\r\n"],
        [],
    ],
    ids=["chunks", "a megabyte", "without a length", "cut off", "a long header", "no answer", "nothing"],
)
def test_keys_of_a_bad_server_are_none(parts: list[bytes]) -> None:
    with answering(*parts) as (url, heads):
        assert code(verifier_of(url), token(url)) == ("keys_unavailable", 503)
        assert heads


def test_the_same_server_with_good_keys_is_taken() -> None:
    with answering(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(GOOD), GOOD) as (url, _):
        assert verifier_of(url).check(token(url), "GET", "/items").name == "shop"


def test_the_log_names_what_an_outage_comes_from_and_the_client_is_told_503(
    here: serving.Loopback, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        raise AssertionError("nobody comes in")

    def logged(verifier: Verifier, authorization: str) -> str:
        caplog.clear()
        told: list[Any] = []
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/items",
            "SCRIPT_NAME": "",
            "HTTP_AUTHORIZATION": authorization,
        }
        body = CallerMiddleware(app, verifier)(environ, lambda *answer: told.append(answer))
        assert (b"".join(body), told[0][0][:3], dict(told[0][1])) == (b"", "503", {"content-length": "0"})
        return caplog.text

    def of_world(issuer: str) -> Verifier:
        callers = serving.tomllib.loads(serving.table())["world"]
        callers["callers"] = [{"name": "shop", "account": "000000000000", "role": "LambdaRoleProd", "issuer": issuer}]
        return Verifier(callers)

    for status, why in ((500, "status 500"), (302, "status 302, which is not followed")):
        here.status = status
        assert why in logged(Verifier(here.world()["world"], development=True), token(here.issuer("shop")))
    huge = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"
    with answering(huge, GOOD, b" " * (1_000_000 - len(GOOD))) as (url, _):
        assert "more than 65536 bytes" in logged(verifier_of(url), token(url))
    with socket.create_server(("127.0.0.1", 0)) as free:
        gone = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert "connect" in logged(verifier_of(gone), token(gone))
    with answering(b"no TLS") as (url, _):
        issuer = url.replace("http:", "https:")
        assert "secure connection" in logged(verifier_of(issuer), token(issuer))
    for issuer, why in (
        ("https://issuer.invalid", "the host `issuer.invalid` is not known"),
        ("https://a103a2cc.localhost", "the host `a103a2cc.localhost` has no public address"),
    ):
        assert why in logged(of_world(issuer), token(issuer))
    # Nobody listens there any more: STS's outage, too.
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", gone)
    proof = serving.proof_of(serving.compact(serving.proof_values()))
    line = logged(Verifier(here.world()["world"], development=True), f"Bearer {proof}")
    assert "sts_unavailable" in line
    assert "connect" in line
    assert proof not in line


@pytest.mark.sleeps
@pytest.mark.parametrize(
    ("parts", "drips"),
    [
        ([], b""),
        ([b"HTTP/1.1 200 OK\r\nx: "], b"y"),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n", GOOD], b" "),
        ([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"], b"1\r\n \r\n"),
    ],
    ids=["nothing", "a header that drips", "a body that drips", "chunks that drip"],
)
def test_an_issuer_that_does_not_come_to_an_end_is_given_up(parts: list[bytes], drips: bytes) -> None:
    with answering(*parts, holds=threading.Event(), drips=drips) as (url, heads):
        verifier = verifier_of(url)
        # Those who come meanwhile wait for the same fetch, and are told the same.
        told: list[tuple[str, int]] = []
        threads = [threading.Thread(target=lambda: told.append(code(verifier, token(url)))) for _ in range(5)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # It has eight seconds, and not less.
        assert time.monotonic() - began > 7
        assert told == [("keys_unavailable", 503)] * 5
        # Nor ten: after so long one of those who wait would have taken it for lost, and asked again.
        assert len(heads) == 1


def test_an_issuer_whose_name_is_this_machine_is_not_asked() -> None:
    """It has AWS's form, over https, and so is none for development: no private address is connected to."""
    issuer = "https://a103a2cc.localhost"
    callers = serving.tomllib.loads(serving.table())["world"]
    callers["callers"] = [{"name": "shop", "account": "000000000000", "role": "LambdaRoleProd", "issuer": issuer}]
    with contextlib.ExitStack() as stack:
        heads: list[bytes] = []
        # Who may not listen there sees the code alone.
        with contextlib.suppress(OSError):
            heads = stack.enter_context(answering(port=443))[1]
        assert code(Verifier(callers), token(issuer)) == ("keys_unavailable", 503)
        assert heads == []


def test_where_sts_is_asked_is_read_when_the_verifier_is_made(
    here: serving.Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    def proof(offset: int) -> str:
        return f"Bearer {serving.proof_of(serving.compact(serving.proof_values(offset=offset)))}"

    def made() -> Verifier:
        return Verifier(here.world()["world"], development=True)

    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", here.url)
    verifier = made()
    assert verifier.check(proof(-1), "GET", "/items").via == "proof"
    # Nobody listens there.
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    assert verifier.check(proof(-2), "GET", "/items").via == "proof"
    assert here.fetched == ["/", "/"]
    assert code(made(), proof(-3)) == ("sts_unavailable", 503)
    assert len(here.fetched) == 2


# ---------------------------------------------------------------- real peers


def callers_of(account: str, role: str, issuer: str | None = None) -> dict[str, Any]:
    shop: dict[str, Any] = {"name": "shop", "account": account, "role": role}
    # Without an issuer for development AWS's own STS would be asked.
    issuer = issuer or "http://127.0.0.1:1/issuers/none"
    return {
        "version": 1,
        "stage": "stag",
        "target": "server",
        "partition": "aws",
        "audience": serving.AUDIENCE,
        "algorithm": "ES384",
        "max_duration_seconds": 3600,
        "regions": [REGION, "us-east-1"],
        "dev_issuers": [issuer],
        "callers": [shop | {"issuer": issuer}],
    }


def test_motos_sts_answers_for_a_proof_and_refuses_what_was_changed_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with moto_server() as url:
        options = {"region_name": REGION, "endpoint_url": url}
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        arn = boto3.client("iam", **options, **keys).create_role(RoleName="Shop", AssumeRolePolicyDocument=trust)
        sts = boto3.client("sts", **options, **keys)
        given = sts.assume_role(RoleArn=arn["Role"]["Arn"], RoleSessionName="orders")["Credentials"]
        credentials = xacct_sign.Credentials(
            given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], expires_at=given["Expiration"]
        )
        # From now on moto checks each signature, as with INITIAL_NO_AUTH_ACTION_COUNT=0.
        assert requests.post(f"{url}/moto-api/reset-auth", data="0", timeout=10).status_code == 200
        with pytest.raises(sts.exceptions.ClientError):
            sts.get_caller_identity()

        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        verifier = Verifier(callers_of("123456789012", "Shop"), development=True)
        text = xacct_sign.IdentityProof(serving.AUDIENCE, region=REGION, base=credentials).proof()
        caller = verifier.check(f"Bearer {text}", "GET", "/items")
        assert (caller.name, caller.via, caller.session) == ("shop", "proof", "orders")
        assert caller.arn == "arn:aws:sts::123456789012:assumed-role/Shop/orders"

        other = xacct_sign.IdentityProof("https://other.example.com", region=REGION, base=credentials).proof()
        # moto's refusals are not in STS's form, and so no word of STS's: nobody comes in by them.
        refused = ("sts_answer_refused", 503)
        assert code(verifier, f"Bearer {other}") == refused
        values = json.loads(serving.decode(text.removeprefix("xacct1.")))
        for member, change in (
            ("region", "us-east-1"),
            ("date", serving.amz_date(-30)),
            ("key", values["key"][:-1] + ("A" if values["key"][-1] != "A" else "B")),
            ("signature", values["signature"][:-1] + ("0" if values["signature"][-1] != "0" else "1")),
        ):
            changed = serving.proof_of(serving.compact(values | {member: change}))
            assert code(verifier, f"Bearer {changed}") == refused, member

        # Of a role that nobody named STS says who it is, and that is all.
        stranger = Verifier(callers_of("123456789012", "Another"), development=True)
        assert code(stranger, f"Bearer {text}") == ("caller_unknown", 401)
    # moto is gone: what is known stands, and nobody else is let in.
    assert verifier.check(f"Bearer {text}", "GET", "/items").name == "shop"
    assert code(Verifier(callers_of("123456789012", "Shop"), development=True), f"Bearer {text}") == (
        "sts_unavailable",
        503,
    )


def test_a_token_that_botocore_fetches_from_the_emulator_lets_its_caller_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps(POLICY))
    with Emulator("--caller-policy", f"shop={policy}") as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", running.sts_url)
        base, issuer = running.base(), running.caller()["issuer"]
        client = boto3.client(
            "sts",
            region_name=REGION,
            endpoint_url=running.sts_url,
            aws_access_key_id=base.access_key_id,
            aws_secret_access_key=base.secret_access_key,
            aws_session_token=base.session_token,
        )
        verifier = Verifier(callers_of("000000000000", "LambdaRoleDeve", issuer), development=True)

        def fetched(audience: str, algorithm: str = "ES384") -> str:
            given = client.get_web_identity_token(Audience=[audience], SigningAlgorithm=algorithm, DurationSeconds=60)
            return f"Bearer {given['WebIdentityToken']}"

        assert verifier.check(fetched(serving.AUDIENCE), "GET", "/items").name == "shop"
        assert code(verifier, fetched("https://other.example.com")) == ("audience_refused", 401)
        assert code(verifier, fetched(serving.AUDIENCE, "RS256")) == ("algorithm_refused", 401)
        # And by proof, of which the emulator's STS is asked.
        text = xacct_sign.IdentityProof(serving.AUDIENCE, region=REGION, base=base).proof()
        assert verifier.check(f"Bearer {text}", "GET", "/items").session == "shop"
