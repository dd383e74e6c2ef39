"""Debian's AWS CLI: at the other end of `credential_process`, and for profiles that log in by what only it knows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import chain, not_run

EXPIRATION = "2099-01-01T00:00:00Z"
KEYS = {
    "AccessKeyId": "ASIACLI",
    "SecretAccessKey": "cli-secret",
    "SessionToken": "cli-token",
    "Expiration": EXPIRATION,
}
FOUND = {
    "access_key_id": "ASIACLI",
    "secret_access_key": "cli-secret",
    "session_token": "cli-token",
    "expires_at": EXPIRATION,
}


@pytest.fixture
def path() -> str:
    """A PATH whose `aws` is Debian's."""
    if not Path("/usr/bin/aws").exists():
        not_run("aws-cli")
    return "/usr/bin:/bin"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".aws").mkdir()
    return tmp_path


def write(home: Path, config: str) -> None:
    (home / ".aws" / "config").write_text(config)


def program(home: Path) -> str:
    """A program that prints credentials."""
    path = home / "creds.py"
    path.write_text(f"print({json.dumps(json.dumps({'Version': 1, **KEYS}))})\n")
    return f"'{sys.executable}' '{path}'"


def test_the_cli_is_a_credential_process(home: Path, path: str) -> None:
    """What it prints has a version, and times with an offset."""
    export = "/usr/bin/aws configure export-credentials --profile base --format process"
    write(home, f"[profile dev]\ncredential_process = {export}\n[profile base]\ncredential_process = {program(home)}\n")
    assert chain("dev", HOME=str(home), PATH=path) == FOUND


def test_the_cli_is_a_credential_process_without_an_end(home: Path, path: str) -> None:
    export = "/usr/bin/aws configure export-credentials --profile base --format process"
    keys = "aws_access_key_id = AKIABASE\naws_secret_access_key = base-secret\n"
    write(home, f"[profile dev]\ncredential_process = {export}\n[profile base]\n{keys}")
    found = chain("dev", HOME=str(home), PATH=path)
    assert (found["access_key_id"], found["session_token"], found["expires_at"]) == ("AKIABASE", None, None)


def test_the_environment_takes_what_the_cli_exports(home: Path, path: str) -> None:
    """`eval "$(aws configure export-credentials --format env)"`, with the expiry."""
    write(home, f"[profile base]\ncredential_process = {program(home)}\n")
    export = ["/usr/bin/aws", "configure", "export-credentials", "--profile", "base", "--format", "env-no-export"]
    printed = subprocess.run(export, env={"HOME": str(home)}, capture_output=True, text=True, check=True).stdout
    variables = dict(line.split("=", 1) for line in printed.splitlines())
    assert set(variables) >= {"AWS_ACCESS_KEY_ID", "AWS_CREDENTIAL_EXPIRATION"}
    assert chain(**variables) == FOUND


def test_the_cli_is_asked_for_what_is_newer(home: Path, path: str) -> None:
    """Debian's does not know `login_session` either, and runs the program: the call and its answer are what counts."""
    write(home, f"[profile dev]\nlogin_session = me\ncredential_process = {program(home)}\n")
    assert chain(HOME=str(home), PATH=path, AWS_PROFILE="dev") == FOUND


def test_what_the_cli_says_is_told(home: Path, path: str) -> None:
    write(home, "[profile dev]\nlogin_session = me\n")
    told = chain("dev", HOME=str(home), PATH=path)
    assert told["code"] == "credentials_refused"
    assert "Unable to retrieve credentials" in told["message"]
    assert "`aws login --profile dev`" in told["hint"]


def test_without_a_cli_it_is_asked_for(home: Path) -> None:
    write(home, "[profile dev]\nlogin_session = me\n")
    told = chain("dev", HOME=str(home), PATH=os.devnull)
    assert told["code"] == "credentials_not_found"
    assert "install the AWS CLI" in told["hint"]
