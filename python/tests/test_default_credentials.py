"""`DefaultCredentials`, and the roles that nobody gave a base."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
import xacct_sign
from botocore.session import Session as BotocoreSession
from emulator import Emulator
from helpers import BRIEF, REGION, ROLE_ARN, Answer, Request, serve, sts_answer
from xacct_sign.requests import SigV4Auth

URL = "https://api.example.com/"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The config file, with two profiles."""
    config = tmp_path / "config"
    config.write_text(
        "[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = default\n"
        "[profile dev]\naws_access_key_id = AKIDDEV\naws_secret_access_key = dev\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    return config


def key(source: xacct_sign.DefaultCredentials) -> str:
    return source.credentials().access_key_id


def test_the_profiles_and_the_environment(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, dev = xacct_sign.DefaultCredentials(), xacct_sign.DefaultCredentials(profile="dev")
    assert (source.profile, dev.profile) == (None, "dev")
    assert (key(source), key(dev)) == ("AKIDDEFAULT", "AKIDDEV")
    monkeypatch.setenv("AWS_PROFILE", "dev")
    assert key(xacct_sign.DefaultCredentials()) == "AKIDDEV"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env")
    # As botocore has it.
    for profile, expected in ((None, "AKIDENV"), ("dev", "AKIDDEV")):
        assert key(xacct_sign.DefaultCredentials(profile)) == expected
        assert BotocoreSession(profile=profile).get_credentials().access_key == expected


def test_a_region_that_nobody_says_is_the_profiles(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    files.write_text(files.read_text() + "region = eu-west-3\n")
    with serve(lambda _: sts_answer()) as sts, serve() as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)

        def scopes(source: Any) -> list[str]:
            """Of a request to STS, and to the API."""
            session = xacct_sign.Session(ROLE_ARN, credentials=source)
            assert session.get(api.url).status_code == 200
            return [server.requests[-1].headers["authorization"].split("/")[2] for server in (sts, api)]

        dev = xacct_sign.DefaultCredentials("dev")
        assert scopes(dev) == ["eu-west-3"] * 2
        assert scopes(boto3.Session(profile_name="dev")) == ["eu-west-3"] * 2
        assert scopes(BotocoreSession(profile="dev")) == ["eu-west-3"] * 2
        monkeypatch.setenv("AWS_REGION", "sa-east-1")
        assert scopes(dev) == ["sa-east-1"] * 2
        monkeypatch.delenv("AWS_REGION")
        with pytest.raises(xacct_sign.ValidationError) as caught:
            xacct_sign.Session(ROLE_ARN, credentials=xacct_sign.DefaultCredentials()).get(api.url)
        assert caught.value.code == "invalid_region"


def test_files_are_read_again(files: Path) -> None:
    source = xacct_sign.DefaultCredentials()
    signer = xacct_sign.Signer(source, REGION)
    assert signer.credentials.access_key_id == "AKIDDEFAULT"
    files.write_text("[default]\naws_access_key_id = AKIDNEW\naws_secret_access_key = new\n")
    # What was read counts for a second.
    while key(source) == "AKIDDEFAULT":
        time.sleep(0.05)
    assert key(source) == signer.credentials.access_key_id == "AKIDNEW"


def test_a_role_without_a_base_takes_it(files: Path) -> None:
    with serve(lambda _: sts_answer()) as sts:
        for base in (None, xacct_sign.DefaultCredentials(), xacct_sign.DefaultCredentials("dev")):
            xacct_sign.AssumeRole(ROLE_ARN, region=REGION, sts_endpoint=sts.url, base=base).credentials()
        keys = [
            request.headers["authorization"].partition("Credential=")[2].partition("/")[0] for request in sts.requests
        ]
    assert keys == ["AKIDDEFAULT", "AKIDDEFAULT", "AKIDDEV"]


def test_it_signs_where_credentials_do(files: Path) -> None:
    source = xacct_sign.DefaultCredentials()
    with serve() as api:
        xacct_sign.Session(credentials=source, region=REGION).get(api.url)
        added = SigV4Auth(credentials=source, region=REGION)._signing.ready(URL).sign("GET", URL, {}, None)
        assert "Credential=AKIDDEFAULT/" in api.requests[0].headers["authorization"]
        assert "Credential=AKIDDEFAULT/" in added["authorization"]
        assert "Credential=AKIDDEFAULT/" in xacct_sign.Signer(source, REGION).sign("GET", URL)["authorization"]


def test_a_process_that_gives_an_expiry_is_asked_once(files: Path, tmp_path: Path) -> None:
    count = tmp_path / "count"
    program = tmp_path / "program.py"
    program.write_text(
        f"import json\nopen({str(count)!r}, 'a').write('x')\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': 'AKIDPROCESS', 'SecretAccessKey': 's', 'SessionToken': 't',\n"
        "    'Expiration': '2099-01-01T00:00:00Z'}))\n"
    )
    files.write_text(f"[default]\ncredential_process = {sys.executable} {program}\n")
    source = xacct_sign.DefaultCredentials()
    assert {key(source) for _ in range(3)} == {"AKIDPROCESS"}
    assert count.read_text() == "x"


def test_a_container_is_asked_again_before_they_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import datetime, timedelta, timezone

    def answer(_: Request) -> Answer:
        expires_at = datetime.now(timezone.utc) + timedelta(seconds=BRIEF)
        body = {
            "AccessKeyId": f"ASIA{len(endpoint.requests)}",
            "SecretAccessKey": "s",
            "Token": "t",
            "Expiration": f"{expires_at:%Y-%m-%dT%H:%M:%S.%fZ}",
        }
        return Answer(200, {"content-type": "application/json"}, json.dumps(body).encode())

    with serve(answer) as endpoint:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{endpoint.url}/get")
        source = xacct_sign.DefaultCredentials()
        keys = []
        while len(set(keys)) < 3:
            keys.append(key(source))
        assert list(dict.fromkeys(keys)) == ["ASIA1", "ASIA2", "ASIA3"]
        assert len(endpoint.requests) == 3


def test_where_there_is_nothing_each_source_says_why() -> None:
    with pytest.raises(xacct_sign.CredentialsError) as caught:
        xacct_sign.DefaultCredentials().credentials()
    assert caught.value.code == "credentials_not_found"
    for word in ("environment", "profile", "web identity", "container", "AWS_EC2_METADATA_DISABLED"):
        assert word in str(caught.value)
    # A role's base says the same.
    with pytest.raises(xacct_sign.CredentialsError) as caught:
        xacct_sign.Session(ROLE_ARN, region=REGION).get(URL)
    assert caught.value.code == "credentials_not_found"


def test_a_role_of_a_profile_is_assumed_at_the_emulator(
    emulator: Emulator, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = emulator.base()
    files.write_text(
        f"[default]\nrole_arn = {emulator.role_arn()}\nsource_profile = base\nregion = {REGION}\n"
        f"[profile base]\naws_access_key_id = {base.access_key_id}\naws_secret_access_key = {base.secret_access_key}\n"
        f"aws_session_token = {base.session_token}\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", emulator.sts_url)
    session = xacct_sign.Session(credentials=xacct_sign.DefaultCredentials(), region=REGION, base_url=emulator.url())
    assert session.get("/hoge").status_code == 200


@pytest.mark.parametrize("profile", [5, b"dev", "\ud800"])
def test_a_profile_is_a_name(profile: object) -> None:
    with pytest.raises(xacct_sign.ValidationError) as caught:
        xacct_sign.DefaultCredentials(profile)  # type: ignore[arg-type]
    assert caught.value.code == "invalid_option"


def test_it_is_shared_and_not_copied() -> None:
    import pickle

    with pytest.raises(TypeError, match="share the object"):
        pickle.dumps(xacct_sign.DefaultCredentials())
    assert repr(xacct_sign.DefaultCredentials("dev")) == "DefaultCredentials()"
