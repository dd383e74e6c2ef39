"""IAM Identity Center: botocore drives a stub of the portal first, and our requests are compared with its."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import botocore.credentials
import botocore.session
import botocore.tokens
import pytest
from helpers import Answer, Request, Server, chain, serve

START_URL = "https://d-abc123.awsapps.com/start"
CONFIG = f"""[profile dev]
sso_session = corp
sso_account_id = 111111111111
sso_role_name = Reader+1
region = eu-west-1
[profile old]
sso_start_url = {START_URL}
sso_region = us-east-1
sso_account_id = 111111111111
sso_role_name = Reader+1
[sso-session corp]
sso_region = us-east-1
sso_start_url = {START_URL}
sso_registration_scopes = sso:account:access
"""
FOUND = {"access_key_id": "ASIASSO", "secret_access_key": "sso-secret", "session_token": "sso-token"}
EXPIRED = {
    "startUrl": START_URL,
    "region": "us-east-1",
    "accessToken": "token-1",
    "expiresAt": "2020-01-01T00:00:00Z",
    "clientId": "client",
    "clientSecret": "client-secret",
    "registrationExpiresAt": "2099-01-01T00:00:00Z",
    "refreshToken": "refresh-1",
}


class Portal:
    """Both endpoints. A refresh token serves once, and a token that was never given is refused."""

    def __init__(self) -> None:
        self.generation = 1

    def __call__(self, request: Request) -> Answer:
        as_json = {"content-type": "application/json"}
        if request.method == "POST" and request.target == "/token":
            asked = json.loads(request.body)
            wanted = {
                "grantType": "refresh_token",
                "clientId": "client",
                "clientSecret": "client-secret",
                "refreshToken": f"refresh-{self.generation}",
            }
            if asked != wanted:
                body = {"error": "invalid_grant", "error_description": "Invalid refresh token provided"}
                return Answer(400, as_json | {"x-amzn-errortype": "InvalidGrantException"}, json.dumps(body).encode())
            self.generation += 1
            body = {
                "accessToken": f"token-{self.generation}",
                "expiresIn": 3600,
                "refreshToken": f"refresh-{self.generation}",
                "tokenType": "Bearer",
            }
            return Answer(200, as_json, json.dumps(body).encode())
        if request.method == "GET" and request.target.partition("?")[0] == "/federation/credentials":
            if request.headers.get("x-amz-sso_bearer_token") != f"token-{self.generation}":
                body = {"message": "Session token not found or invalid"}
                return Answer(401, as_json | {"x-amzn-errortype": "UnauthorizedException"}, json.dumps(body).encode())
            expires_at = datetime.now(timezone.utc) + timedelta(hours=1)
            keys = {
                "accessKeyId": "ASIASSO",
                "secretAccessKey": "sso-secret",
                "sessionToken": "sso-token",
                "expiration": int(expires_at.timestamp() * 1000),
            }
            return Answer(200, as_json, json.dumps({"roleCredentials": keys}).encode())
        return Answer(404)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".aws" / "sso" / "cache").mkdir(parents=True)
    (tmp_path / ".aws" / "config").write_text(CONFIG)
    return tmp_path


def cache(home: Path, name: str) -> Path:
    return home / ".aws" / "sso" / "cache" / f"{hashlib.sha1(name.encode()).hexdigest()}.json"


def ours(home: Path, server: Server, profile: str) -> dict[str, Any]:
    found = chain(profile, HOME=str(home), AWS_ENDPOINT_URL_SSO=server.url, AWS_ENDPOINT_URL_SSO_OIDC=f"{server.url}/")
    found.pop("expires_at", None)
    return found


@pytest.fixture
def botocores(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """What botocore finds there."""

    def find(home: Path, server: Server, profile: str) -> dict[str, Any]:
        monkeypatch.setenv("AWS_CONFIG_FILE", str(home / ".aws" / "config"))
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", server.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO_OIDC", server.url)
        for provider in (botocore.credentials.SSOProvider, botocore.tokens.SSOTokenProvider):
            monkeypatch.setattr(provider, "_SSO_TOKEN_CACHE_DIR", str(cache(home, "").parent))
        found = botocore.session.Session(profile=profile).get_credentials().get_frozen_credentials()
        return dict(zip(FOUND, found[:3], strict=True))

    return find


def sent(request: Request) -> dict[str, Any]:
    """What of a request a server could care about."""
    theirs = (
        "user-agent",
        "accept",
        "accept-encoding",
        "amz-sdk-",
        "content-length",
        "host",
        "connection",
        "x-amzn-trace",
    )
    headers = {name: value for name, value in request.headers.items() if not name.startswith(theirs)}
    body = json.loads(request.body) if request.body else None
    path, _, query = request.target.partition("?")
    return {"method": request.method, "path": path, "query": sorted(query.split("&")), "headers": headers, "body": body}


@pytest.mark.parametrize(("profile", "name"), [("dev", "corp"), ("old", START_URL)])
def test_a_role_is_asked_for_as_botocore_asks(
    home: Path, botocores: Callable[..., dict[str, Any]], profile: str, name: str
) -> None:
    cache(home, name).write_text(json.dumps(EXPIRED | {"expiresAt": "2099-01-01T00:00:00Z"}))
    with serve(Portal()) as server:
        assert botocores(home, server, profile) == FOUND
        assert ours(home, server, profile) == FOUND
    theirs, our = map(sent, server.requests)
    assert our == theirs
    assert our["headers"] == {"x-amz-sso_bearer_token": "token-1"}


def test_a_login_is_renewed_as_botocore_renews_it(home: Path, botocores: Callable[..., dict[str, Any]]) -> None:
    login = cache(home, "corp")
    written, requests = [], []
    for find in (botocores, ours):
        login.write_text(json.dumps(EXPIRED))
        with serve(Portal()) as server:
            assert find(home, server, "dev") == FOUND
        requests.append([sent(request) for request in server.requests])
        written.append(json.loads(login.read_text()))
    theirs, our = requests
    assert [request["path"] for request in our] == ["/token", "/federation/credentials"]
    assert our == theirs
    # The files too, but for the second in which they were written.
    times = [datetime.strptime(file.pop("expiresAt"), "%Y-%m-%dT%H:%M:%SZ") for file in written]
    assert abs(times[0] - times[1]) < timedelta(minutes=1)
    assert written[0] == written[1]
    assert written[1]["refreshToken"] == "refresh-2"
    assert stat.S_IMODE(login.stat().st_mode) == 0o600
    assert os.listdir(login.parent) == [login.name]


def test_each_takes_what_the_other_renewed(home: Path, botocores: Callable[..., dict[str, Any]]) -> None:
    login = cache(home, "corp")
    for first, second in ((ours, botocores), (botocores, ours)):
        login.write_text(json.dumps(EXPIRED))
        with serve(Portal()) as server:
            assert first(home, server, "dev") == FOUND
            assert second(home, server, "dev") == FOUND
        paths = [request.target.partition("?")[0] for request in server.requests]
        assert paths == ["/token", "/federation/credentials", "/federation/credentials"]


def test_a_login_that_is_over_is_refused_by_both(home: Path, botocores: Callable[..., dict[str, Any]]) -> None:
    cache(home, "corp").write_text(json.dumps(EXPIRED | {"refreshToken": "refresh-0"}))
    with serve(Portal()) as server:
        told = ours(home, server, "dev")
        assert told["code"] == "credentials_expired"
        assert told["hint"] == "log in: `aws sso login --profile dev`"
        assert "refresh-0" not in json.dumps(told)
        with pytest.raises(Exception, match="expired"):
            botocores(home, server, "dev")


def test_a_login_that_is_not_there_is_refused_by_both(home: Path, botocores: Callable[..., dict[str, Any]]) -> None:
    with serve(Portal()) as server:
        told = ours(home, server, "dev")
        assert told["code"] == "credentials_not_found"
        assert str(cache(home, "corp")) in told["message"]
        with pytest.raises(Exception, match="does not exist"):
            botocores(home, server, "dev")
    assert server.requests == []
