"""How `Session` and `AssumeRole` reach their servers, with requests and botocore as the ones to follow."""

from __future__ import annotations

import gzip
import itertools
import os
import shutil
import socket
import ssl
import sys
import zlib
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.session
import pytest
import requests
import xacct_sign
from botocore.config import Config
from helpers import REGION, Answer, not_run, serve, signature, signed_headers
from requests.utils import should_bypass_proxies
from secure import serve_securely

CREDENTIALS = xacct_sign.Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=timezone.utc)


def session(**options: Any) -> xacct_sign.Session:
    return xacct_sign.Session(credentials=CREDENTIALS, region=REGION, **options)


# ---------------------------------------------------------------- proxies


@pytest.mark.parametrize(
    ("host", "no_proxy"),
    list(
        itertools.product(
            ["api.example.invalid", "example.invalid", "other.invalid", "api.example.invalid:8443", "203.0.113.7"],
            [
                "",
                "example.invalid",
                ".example.invalid",
                "localhost, example.invalid",
                "localhost ,example.invalid,",
                "api.example.invalid:8443",
                "EXAMPLE.invalid.com",
                "203.0.113.7",
                "203.0.113.0/24",
                "198.51.100.0/24, 10.0.0.0/8",
                "*",
            ],
        )
    ),
)
def test_c5_no_proxy_is_read_as_requests_reads_it(host: str, no_proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"https://{host}/"
    with serve(lambda _: Answer(502)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", no_proxy)
        with pytest.raises(xacct_sign.XacctSignError):
            session().get(url, timeout=0.3)
        assert (proxy.connections == 0) == bool(should_bypass_proxies(url, no_proxy=None))


def test_c5_what_fails_is_the_proxys(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(lambda _: Answer(403)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(xacct_sign.TransportError, match=r"the proxy does not connect to `api\.example\.invalid`"):
            session().get("https://api.example.invalid/")
        # The environment of now counts, as it does for requests.
        monkeypatch.setenv("HTTPS_PROXY", "no proxy")
        with pytest.raises(xacct_sign.ValidationError) as unusable:
            session().get("https://api.example.invalid/")
    assert unusable.value.code == "invalid_option"
    assert "HTTPS_PROXY" in str(unusable.value)


# ---------------------------------------------------------------- content codings


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(b'{"foo":"bar"}')),
        ("deflate", zlib.compress(b'{"foo":"bar"}')),
        ("deflate", zlib.compress(b'{"foo":"bar"}')[2:-4]),
        ("deflate, gzip", gzip.compress(zlib.compress(b'{"foo":"bar"}'))),
        ("gzip", b""),
        ("unheard-of", b"as it is"),
    ],
)
def test_c7_answers_are_decoded_as_requests_decodes_them(coding: str, body: bytes) -> None:
    answer = Answer(200, {"content-encoding": coding, "content-type": "application/json"}, body)
    with serve(lambda _: answer) as server:
        ours, theirs = session().get(server.url), requests.get(server.url, timeout=10)
        assert ours.content == theirs.content
        for name in ("content-encoding", "content-length", "content-type"):
            assert ours.headers[name] == theirs.headers[name]
        asked = [request.headers["accept-encoding"] for request in server.requests]
    assert asked[0] == "gzip, deflate"
    assert set(asked[0].split(", ")) <= set(asked[1].split(", "))


def test_c7_whoever_asks_for_another_coding_is_given_it() -> None:
    with serve() as server:
        session().get(server.url, headers={"accept-encoding": "identity"})
        assert server.requests[0].headers["accept-encoding"] == "identity"


def test_c7_what_cannot_be_decoded_is_an_error() -> None:
    answer = Answer(200, {"content-encoding": "gzip"}, b"no gzip")
    with serve(lambda _: answer) as server, pytest.raises(xacct_sign.TransportError) as caught:
        session().get(server.url)
    assert caught.value.code == "invalid_response"
    assert caught.value.__cause__ is not None


# ---------------------------------------------------------------- what services need


def botocores(auth: type[botocore.auth.SigV4Auth], service: str, url: str) -> dict[str, str]:
    """The headers that botocore sends."""
    keys = botocore.credentials.Credentials(CREDENTIALS.access_key_id, CREDENTIALS.secret_access_key)
    request = botocore.awsrequest.AWSRequest("PUT", url, data=b"body")
    signer = auth(keys, service, "us-east-1")
    signer.add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@pytest.mark.parametrize("service", ["s3", "s3express", "s3-object-lambda", "s3-outposts"])
def test_c11_all_of_s3_is_signed_as_botocore_signs_it(service: str) -> None:
    url = "https://example.com/a//b%20c?x=1"
    theirs = botocores(botocore.auth.S3SigV4Auth, service, url)
    now = datetime.strptime(theirs["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    added = xacct_sign.Signer(CREDENTIALS, "us-east-1", service).sign("PUT", url, body=b"body", now=now)
    assert added["x-amz-content-sha256"] == theirs["x-amz-content-sha256"]
    assert signed_headers(added["authorization"]) == signed_headers(theirs["authorization"])
    assert signature(added["authorization"]) == signature(theirs["authorization"])


def test_c11_botocore_leaves_unsigned_what_tracing_adds() -> None:
    headers = {name: "value" for name in ("baggage", "traceparent", "tracestate", "sec-websocket-key")}
    assert set(headers) - {"sec-websocket-key"} <= set(botocore.auth.SIGNED_HEADERS_BLACKLIST)
    added = xacct_sign.Signer(CREDENTIALS, REGION).sign("GET", "https://example.com/", headers, now=NOW)
    assert signed_headers(added["authorization"]) == ["host", "x-amz-date"]


# ---------------------------------------------------------------- where STS is


def botocores_sts(region: str) -> str:
    """The host that botocore calls, with the environment as it is."""
    client = botocore.session.Session().create_client(
        "sts",
        region_name=region,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"max_attempts": 0}),
    )
    called = []

    def keep(request: Any, **_: object) -> None:
        called.append(request.url)
        raise ConnectionAbortedError

    client.meta.events.register("before-send.sts", keep)
    with pytest.raises(ConnectionAbortedError):
        client.get_caller_identity()
    client.close()
    return str(called[0]).removeprefix("https://").rstrip("/")


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-east-1", "aws"),
        ("eu-west-1", "aws"),
        ("us-gov-west-1", "aws-us-gov"),
        ("cn-north-1", "aws-cn"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
@pytest.mark.parametrize("fips", ["", "true", "TRUE", "false"])
@pytest.mark.parametrize("dual_stack", ["", "true"])
def test_c11_sts_is_where_botocore_calls_it(
    region: str, partition: str, fips: str, dual_stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", fips)
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", dual_stack)
    with serve(lambda _: Answer(502)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        role_arn = f"arn:{partition}:iam::111111111111:role/Role"
        with pytest.raises(xacct_sign.TransportError):
            xacct_sign.AssumeRole(role_arn, region=region, base=CREDENTIALS).credentials()
    # It is tried three times, always there.
    assert [request.method for request in proxy.requests] == ["CONNECT"] * 3
    assert {request.target for request in proxy.requests} == {f"{botocores_sts(region)}:443"}


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"])
@pytest.mark.parametrize("ignored", ["", "false", "true"])
def test_c11_the_endpoint_of_the_environment_is_botocores(
    name: str, ignored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "https://sts.example.invalid")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", ignored)
    with serve(lambda _: Answer(502)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(xacct_sign.TransportError):
            xacct_sign.AssumeRole(
                "arn:aws:iam::111111111111:role/R", region="us-east-1", base=CREDENTIALS
            ).credentials()
    assert {request.target for request in proxy.requests} == {f"{botocores_sts('us-east-1')}:443"}


# ---------------------------------------------------------------- TLS


def test_tls_is_agreed_upon_once_for_all_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_securely(tmp_path, lambda _: Answer(headers={"connection": "close"})) as secure:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(secure.certificate))
        caller = session()
        for _ in range(3):
            assert caller.get(secure.url).status_code == 200
    assert secure.server.connections == 3
    assert [request.is_resumed for request in secure.server.requests] == [False, True, True]


def test_a_tls_session_that_was_broken_off_is_not_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_securely(tmp_path, lambda _: Answer(headers={"connection": "close"}), ssl.TLSVersion.TLSv1_2) as secure:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(secure.certificate))
        caller = session()
        assert [caller.get(secure.url).status_code for _ in range(2)] == [200, 200]
        listener = secure.server._server

        def broken() -> None:
            socket.socket.accept(listener.socket)[0].close()
            raise OSError

        with monkeypatch.context() as once:
            once.setattr(listener, "get_request", broken)
            with pytest.raises(xacct_sign.TransportError):
                caller.get(secure.url)
        assert caller.get(secure.url).status_code == 200
    assert [request.is_resumed for request in secure.server.requests] == [False, True, False]


@pytest.fixture
def authorities(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing names a bundle."""
    if sys.platform != "linux":
        not_run("authorities")
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_system_without_authorities_is_named(authorities: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # As a container has it without the package, seen by what looks for them.
    for folders, why in [
        (str(tmp_path), ""),
        (f"{tmp_path}:{tmp_path / 'missing'}", ": opening directory: No such file"),
    ]:
        authorities.setenv("SSL_CERT_DIR", folders)
        with pytest.raises(
            xacct_sign.TransportError, match=f"SSL_CERT_DIR has no certificates of authorities{why}"
        ) as told:
            session().get("https://localhost:9/")
        assert (told.value.code, told.value.retryable) == ("invalid_ca_bundle", False)
        assert "folders of certificates" in str(told.value)


def test_authorities_are_those_of_os_environ(authorities: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with serve_securely(tmp_path) as secure:
        with pytest.raises(xacct_sign.TransportError, match="invalid peer certificate"):
            session().get(secure.url)
        folder = tmp_path / "trusted"
        folder.mkdir()
        shutil.copy(secure.certificate, folder)
        authorities.setenv("SSL_CERT_DIR", os.pathsep.join([str(tmp_path / "missing"), str(folder)]))
        assert session().get(secure.url).status_code == 200
        # What is set to nothing is not set.
        authorities.setenv("SSL_CERT_DIR", "")
        authorities.setenv("SSL_CERT_FILE", "")
        with pytest.raises(xacct_sign.TransportError, match="invalid peer certificate"):
            session().get(secure.url)
