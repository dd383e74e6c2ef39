"""The command's credentials, given to those who read such: botocore."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from emulator import Emulator, cli

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
