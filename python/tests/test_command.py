"""The command's credentials, given to those who read such: botocore."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
import termios
import time
from pathlib import Path

import boto3
import pytest
import requests
from emulator import Emulator, cli
from helpers import Answer, Request, moto_server, serve

ASK = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"


@pytest.fixture
def environment(emulator: Emulator, tmp_path: Path) -> dict[str, str]:
    """The caller's own keys, and a home without files."""
    own = {"AWS_ENDPOINT_URL_STS": emulator.sts_url, "AWS_REGION": emulator.region, "HOME": str(tmp_path)}
    return emulator.environment() | own


def test_botocore_takes_them_from_a_credential_process(
    emulator: Emulator, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [str(cli()), "credentials", "--role", emulator.role_arn(), "--session-name", "process", "--profile", "base"]
    keys = emulator.base()
    (tmp_path / "config").write_text(f"[profile role]\ncredential_process = {shlex.join(words)}\n")
    (tmp_path / "credentials").write_text(
        f"[base]\naws_access_key_id = {keys.access_key_id}\naws_secret_access_key = {keys.secret_access_key}\n"
        f"aws_session_token = {keys.session_token}\n"
    )
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    # Keys in the environment would go before the profile.
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    session = boto3.Session(profile_name="role", region_name=emulator.region)
    credentials = session.get_credentials()
    assert credentials is not None
    # It knows when they end, and asks anew.
    assert credentials.method == "custom-process"
    assert type(credentials).__name__ == "RefreshableCredentials"
    arn = session.client("sts").get_caller_identity()["Arn"]
    assert arn.endswith(":assumed-role/ApiAllowByIamRoleStag/process")


@pytest.mark.parametrize("shell", [False, True], ids=["program", "shell"])
def test_boto3_takes_them_from_the_environment(emulator: Emulator, environment: dict[str, str], shell: bool) -> None:
    words = [str(cli()), "env", "--role", emulator.role_arn()]
    ask = [sys.executable, "-c", ASK]
    # What would go before them is out of the way.
    environment |= {"AWS_PROFILE": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_SECURITY_TOKEN": "old"}
    command = ["sh", "-c", f'eval "$({shlex.join(words)})" && {shlex.join(ask)}'] if shell else [*words, "--", *ask]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout.endswith(":assumed-role/ApiAllowByIamRoleStag/xacct-sign\n"), done.stderr


SERIAL = "arn:aws:iam::123456789012:mfa/me"


def test_an_mfa_code_is_asked_for_on_the_terminal_once_for_a_role(tmp_path: Path) -> None:
    """moto is the STS. Standard input is left to a body; what the cache has needs no code."""
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(tmp_path),
    }
    with moto_server() as moto, serve(lambda request: _passed_on(request, moto)) as sts:
        environment["AWS_ENDPOINT_URL_STS"] = sts.url
        command = [str(cli()), "whoami", "--json", "--role", "arn:aws:iam::123456789012:role/ApiAllow"]
        command += ["--session-name", "with-mfa", "--mfa-serial", SERIAL]
        code, shown = _on_terminal(command, environment, f"MFA code of {SERIAL}: ", "123456\n")
        assert code == 0, shown
        # The code is not shown.
        said = shown.removeprefix(f"MFA code of {SERIAL}: ").strip()
        assert json.loads(said)["arn"] == "arn:aws:sts::123456789012:assumed-role/ApiAllow/with-mfa"
        asked = [request.form for request in sts.requests]
        assert [call["Action"] for call in asked] == ["AssumeRole", "GetCallerIdentity"]
        assert (asked[0]["SerialNumber"], asked[0]["TokenCode"]) == (SERIAL, "123456")
        # Now without a terminal.
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, start_new_session=True
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        no_cache = [*command, "--no-cache"]
        done = subprocess.run(no_cache, env=environment, capture_output=True, text=True, start_new_session=True)
        assert done.returncode == 2
        assert done.stderr.startswith("error[invalid_mfa]: there is no terminal to ask for the MFA code on")


def _passed_on(request: Request, url: str) -> Answer:
    headers = {name: value for name, value in request.headers.items() if name != "host"}
    answer = requests.post(f"{url}{request.target}", data=request.body, headers=headers, timeout=30)
    return Answer(answer.status_code, {"content-type": answer.headers["content-type"]}, answer.content)


def _on_terminal(command: list[str], environment: dict[str, str], prompt: str, typed: str) -> tuple[int, str]:
    """Runs a command on a terminal of its own, and types once it is asked; its exit code, and what it showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, environment)
    shown = b""
    with os.fdopen(terminal, "rb+", buffering=0) as held:
        while prompt.encode() not in shown:
            piece = held.read(1024)
            assert piece, shown
            shown += piece
        # Between the prompt and what is typed the terminal is told to show nothing of it.
        while termios.tcgetattr(held)[3] & termios.ECHO:
            time.sleep(0.01)
        held.write(typed.encode())
        while True:
            try:
                piece = held.read(1024)
            except OSError:
                # Linux says so where nobody has the terminal open any more.
                break
            if not piece:
                break
            shown += piece
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()
