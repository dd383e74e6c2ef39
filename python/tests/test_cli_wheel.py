"""The wheel of the command, as pip installs it."""

from __future__ import annotations

import email
import os
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from emulator import REPOSITORY, Emulator, cli


@pytest.fixture(scope="module")
def wheel() -> Path:
    if path := os.environ.get("XACCT_SIGN_CLI_WHEEL"):
        return Path(path)
    wheels = list((REPOSITORY / "dist" / "cli-wheel").glob("xacct_sign_cli-*.whl"))
    assert wheels, "no wheel in dist/cli-wheel/: make cli-wheel, or set XACCT_SIGN_CLI_WHEEL"
    return wheels[0]


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command in a fresh environment that has nothing else, not even pip."""
    place = tmp_path_factory.mktemp("cli") / "venv"
    venv.create(place, with_pip=False)
    scripts = place / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(scripts / "python")]
    subprocess.run([*pip, "install", "--quiet", "--no-index", str(wheel)], check=True)
    return scripts / "xacct-sign"


def test_it_is_the_command_and_its_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        name = next(name for name in names if name.endswith(".dist-info/METADATA"))
        fields = email.message_from_bytes(archive.read(name))
        (command,) = (name for name in names if ".dist-info/" not in name)
        content = archive.read(command)
    assert command.endswith(".data/scripts/xacct-sign")
    assert content == cli().read_bytes(), "the wheel is of another build: make cli-wheel"
    assert {name.rpartition("/")[2] for name in names} >= {"LICENSE-MIT", "LICENSE-APACHE"}
    assert "-py3-none-" in wheel.name
    assert fields.get_all("Requires-Dist") is None
    assert fields["License-Expression"] == "MIT OR Apache-2.0"
    assert fields["Version"] == metadata.version("xacct_sign")
    assert "xacct-sign call --role" in fields.get_payload()


def test_it_calls(installed: Path, emulator: Emulator) -> None:
    said = subprocess.run([installed, "--version"], capture_output=True, text=True, check=True).stdout
    assert said == f"xacct-sign {metadata.version('xacct_sign')}\n"
    environment = {**os.environ, **emulator.environment(), "AWS_ENDPOINT_URL_STS": emulator.sts_url}
    command = [installed, "call", "--fail", "--role", emulator.role_arn(), "--region", emulator.region]
    done = subprocess.run([*command, emulator.url("/hoge")], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"path":"/hoge"' in done.stdout
