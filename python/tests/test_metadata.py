"""Credentials of instances, of containers, by a web identity: strict stubs, moto, and botocore beside us."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from helpers import NOTHING, Answer, Request, Server, chain, moto_server, serve

EXPIRATION = "2099-01-01T00:00:00Z"
KEYS = {"AccessKeyId": "ASIAFOUND", "SecretAccessKey": "found-secret", "Token": "found-token", "Expiration": EXPIRATION}
FOUND = {
    "access_key_id": "ASIAFOUND",
    "secret_access_key": "found-secret",
    "session_token": "found-token",
    "expires_at": EXPIRATION,
}
ROLES = "/latest/meta-data/iam/security-credentials/"


@pytest.fixture
def of_botocore(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """What botocore finds in the same environment; it does not say when that expires."""

    def find(**variables: str) -> dict[str, Any]:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in (NOTHING | variables).items():
            monkeypatch.setenv(name, value)
        found = botocore.session.Session().get_credentials().get_frozen_credentials()
        return {
            "access_key_id": found.access_key,
            "secret_access_key": found.secret_key,
            "session_token": found.token,
        }

    return find


def keys(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != "expires_at"}


def asked(server: Server, *names: str) -> list[tuple[str, str, list[str | None]]]:
    """The requests that came: method, path, these headers."""
    return [
        (request.method, request.target, [request.headers.get(name) for name in names]) for request in server.requests
    ]


@pytest.fixture
def proxy() -> Iterator[dict[str, str]]:
    """The variables of a proxy that nothing goes through."""
    with serve(lambda _: Answer(500)) as server:
        yield dict.fromkeys(("http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), server.url)
        assert server.requests == []


def test_a_home_that_is_no_folder_has_no_files() -> None:
    assert NOTHING["HOME"] == os.devnull
    found = chain()
    assert found["code"] == "credentials_not_found"
    assert "AWS_EC2_METADATA_DISABLED is true" in found["message"]


# ---------------------------------------------------------------- instances


class Instance:
    """The metadata service of an instance, of version 2 alone, as strict as AWS describes it."""

    def __init__(self, role: str = "app-role") -> None:
        self.role = role
        self.token = ""

    def __call__(self, request: Request) -> Answer:
        if "x-forwarded-for" in request.headers:
            return Answer(403)
        if request.target == "/latest/api/token":
            return self._new_token(request)
        if request.method != "GET":
            return Answer(405)
        if not self.token or request.headers.get("x-aws-ec2-metadata-token") != self.token:
            return Answer(401)
        if request.target == ROLES:
            return Answer(body=self.role.encode())
        if request.target == ROLES + self.role:
            return Answer(body=json.dumps({"Code": "Success", "Type": "AWS-HMAC", **KEYS}).encode())
        return Answer(404)

    def _new_token(self, request: Request) -> Answer:
        if request.method != "PUT":
            return Answer(405)
        lifetime = request.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        if not lifetime.isdigit() or not 1 <= int(lifetime) <= 21600 or request.body:
            return Answer(400)
        self.token = secrets.token_urlsafe(40) + "=="
        return Answer(200, {"x-aws-ec2-metadata-token-ttl-seconds": lifetime}, self.token.encode())


def at(url: str) -> dict[str, str]:
    return {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": url}


def test_an_instance_is_asked_as_botocore_asks_it(of_botocore: Callable[..., dict[str, Any]]) -> None:
    instance, other = Instance(), Instance()
    with serve(instance) as ours, serve(other) as theirs:
        found = chain(**at(ours.url))
        assert found == FOUND
        assert of_botocore(**at(theirs.url)) == keys(found)
        names = ("x-aws-ec2-metadata-token-ttl-seconds", "x-aws-ec2-metadata-token", "content-length")
        same = json.dumps(asked(theirs, *names)).replace(other.token, instance.token)
        assert json.dumps(asked(ours, *names)) == same


def test_an_instance_is_asked_by_ipv6() -> None:
    with serve(Instance(), "::1") as server:
        assert chain(**at(server.url)) == FOUND


def test_an_instance_is_asked_past_every_proxy(proxy: dict[str, str]) -> None:
    with serve(Instance()) as server:
        assert chain(**at(server.url), **proxy) == FOUND


def test_an_instance_is_not_asked_in_version_1() -> None:
    def version_1(request: Request) -> Answer:
        instance.token = request.headers["x-aws-ec2-metadata-token"] = "any"
        return Answer(403) if request.method == "PUT" else instance(request)

    instance = Instance()
    with serve(version_1) as server:
        assert chain(**at(server.url))["code"] == "credentials_not_found"
        assert [request.method for request in server.requests] == ["PUT"]


def test_an_instance_that_hangs_is_asked_once() -> None:
    def hang(_: Request) -> Answer:
        ended.wait()
        return Answer()

    ended = threading.Event()
    with serve(hang) as server:
        found = chain(**at(server.url))
        ended.set()
        assert (found["code"], len(server.requests)) == ("timeout", 1)
        assert "instance metadata" in found["message"]


# ---------------------------------------------------------------- containers


def container(request: Request) -> Answer:
    """The agent of a container: for the credentials of a pod it wants a token."""
    if request.method != "GET" or request.body:
        return Answer(405)
    if request.target == "/pod" and request.headers.get("authorization") != "pod-token":
        return Answer(403, {}, b'{"code": "AccessDenied", "message": "no"}')
    if request.target not in {"/pod", "/task?id=1"}:
        return Answer(404)
    return Answer(200, {"content-type": "application/json"}, json.dumps(KEYS).encode())


def full_uri(url: str, **more: str) -> dict[str, str]:
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": url, **more}


@pytest.mark.parametrize("path", ["/task?id=1", "/pod"])
def test_a_container_is_asked_as_botocore_asks_it(
    path: str, tmp_path: Path, of_botocore: Callable[..., dict[str, Any]]
) -> None:
    token = tmp_path / "token"
    token.write_text("pod-token")
    with serve(container) as ours, serve(container) as theirs:
        found = chain(**full_uri(ours.url + path, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(token)))
        assert found == FOUND
        theirs_found = of_botocore(**full_uri(theirs.url + path, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(token)))
        assert theirs_found == keys(found)
        names = ("accept", "authorization", "content-length")
        assert asked(ours, *names) == asked(theirs, *names)


def test_a_container_is_asked_past_every_proxy(proxy: dict[str, str]) -> None:
    with serve(container) as server:
        assert chain(**full_uri(f"{server.url}/task?id=1"), **proxy) == FOUND


def test_a_containers_redirect_is_not_followed() -> None:
    with serve(container) as elsewhere, serve(lambda _: Answer(307, {"location": f"{elsewhere.url}/pod"})) as server:
        found = chain(**full_uri(f"{server.url}/pod", AWS_CONTAINER_AUTHORIZATION_TOKEN="pod-token"))
        assert found["code"] == "credentials_refused"
        assert "redirect" in found["message"]
        assert elsewhere.requests == []


def test_a_container_that_fails_is_asked_three_times() -> None:
    def fail(request: Request) -> Answer:
        return Answer(500) if len(server.requests) < 3 else container(request)

    with serve(fail) as server:
        assert chain(**full_uri(f"{server.url}/task?id=1")) == FOUND
        assert len(server.requests) == 3


def test_a_container_that_refuses_is_asked_once() -> None:
    with serve(container) as server:
        found = chain(**full_uri(f"{server.url}/pod", AWS_CONTAINER_AUTHORIZATION_TOKEN="wrong-token"))
        assert (found["code"], len(server.requests)) == ("credentials_refused", 1)
        assert "AccessDenied: no" in found["message"]
        assert "wrong-token" not in json.dumps(found)


# ---------------------------------------------------------------- web identities


def web_identity(folder: Path, sts: str) -> dict[str, str]:
    token = folder / "token"
    token.write_text("eyJhbGciOiJub25lIn0.eyJzdWIiOiJwb2QifQ.c2ln")
    return {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/Pod",
        "AWS_ROLE_SESSION_NAME": "shop",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_STS": sts,
    }


ASSUMED = f"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/Pod/shop</Arn>
      <AssumedRoleId>AROAPOD:shop</AssumedRoleId></AssumedRoleUser>
    <Credentials><AccessKeyId>ASIAFOUND</AccessKeyId><SecretAccessKey>found-secret</SecretAccessKey>
      <SessionToken>found-token</SessionToken><Expiration>{EXPIRATION}</Expiration></Credentials>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>""".encode()


def test_sts_is_asked_for_a_web_identity_as_botocore_asks_it(
    tmp_path: Path, of_botocore: Callable[..., dict[str, Any]]
) -> None:
    def sts(_: Request) -> Answer:
        return Answer(200, {"content-type": "text/xml"}, ASSUMED)

    with serve(sts) as ours, serve(sts) as theirs:
        found = chain(**web_identity(tmp_path, ours.url))
        assert found == FOUND
        assert of_botocore(**web_identity(tmp_path, theirs.url)) == keys(found)
        names = ("content-type", "authorization", "x-amz-date", "x-amz-security-token")
        assert asked(ours, *names) == asked(theirs, *names)
        assert [request.form for request in ours.requests] == [request.form for request in theirs.requests]


# ---------------------------------------------------------------- moto


@pytest.fixture(scope="module")
def moto(_scrubbed_environment: None) -> Iterator[str]:
    with moto_server() as url:
        yield url


def test_motos_instance_gives_what_botocore_gets(moto: str, of_botocore: Callable[..., dict[str, Any]]) -> None:
    found = chain(**at(moto))
    assert found["access_key_id"] == "test-key"
    assert found["expires_at"]
    assert of_botocore(**at(moto)) == keys(found)


def test_motos_sts_takes_a_web_identity(moto: str, tmp_path: Path) -> None:
    found = chain(**web_identity(tmp_path, moto))
    assert found["access_key_id"].startswith("ASIA"), found
    assert found["session_token"]
    assert found["expires_at"]
