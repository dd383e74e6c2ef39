"""The wheel of the emulator alone, as pip installs it."""

from __future__ import annotations

import email
import re
import subprocess
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from emulator import DEMO, cli
from fresh_project import Project, wheel


@pytest.fixture(scope="module")
def archive() -> Path:
    return wheel("XACCT_SIGN_EMULATOR_WHEEL", "emulator-wheel/xacct_sign_emulator-*.whl")


def test_it_takes_no_more_than_three_megabytes(archive: Path) -> None:
    assert archive.stat().st_size <= 3_000_000


def test_it_is_the_program_and_its_licences(archive: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        names = content.namelist()
        name = next(name for name in names if name.endswith(".dist-info/METADATA"))
        fields = email.message_from_bytes(content.read(name))
    (program,) = (name for name in names if ".dist-info/" not in name)
    assert program.endswith(".data/scripts/xacct-sign-emulator")
    assert {name.rpartition("/")[2] for name in names} >= {"LICENSE-MIT", "LICENSE-APACHE"}
    assert "-py3-none-" in archive.name
    assert fields.get_all("Requires-Dist") is None
    assert fields["License-Expression"] == "MIT OR Apache-2.0"
    assert fields["Version"] == metadata.version("xacct_sign")


def test_it_is_the_emulator_of_the_command(archive: Path, tmp_path: Path) -> None:
    program = Project(tmp_path, archive).bin / "xacct-sign-emulator"

    def said(*command: str | Path) -> tuple[int, str, str]:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    version = metadata.version("xacct_sign")
    assert said(program, "--version") == (0, f"xacct-sign-emulator {version}\n", "")
    # It takes the same options, and says the same of what is wrong.
    helps = [said(*command, "--help")[1] for command in ([program], [cli(), "emulator"])]
    mine, those = (set(re.findall(r"^ +(?:-., )?--([a-z-]+)", text, re.M)) - {"help", "version"} for text in helps)
    assert mine == those
    assert "until-eof" in mine
    for arguments in (["--no-such-option"], ["--manifest", "/no/such/file"], ["--port", "x"], ["--header", "x=y"]):
        code, stdout, stderr = said(program, *arguments)
        assert (code, stdout) == (2, "")
        assert stderr.replace("xacct-sign-emulator", "xacct-sign emulator") == said(cli(), "emulator", *arguments)[2]
    ended = said(program, "--manifest", DEMO, "--json", "--until-eof")
    assert ended[0] == 0, ended
    assert '"sts_url":"http://127.0.0.1:' in ended[1]


@pytest.mark.parametrize(
    ("wheels", "command"),
    [
        (["EMULATOR"], ["xacct-sign-emulator"]),
        (["EMULATOR", "CLI"], ["xacct-sign-emulator"]),
        (["CLI"], ["xacct-sign", "emulator"]),
    ],
    ids=["alone", "beside the command", "the command alone"],
)
def test_the_plugin_finds_it(tmp_path: Path, wheels: list[str], command: list[str]) -> None:
    found = [wheel(f"XACCT_SIGN_{name}_WHEEL", f"{name.lower()}-wheel/*.whl") for name in wheels]
    project = Project(tmp_path, wheel("XACCT_SIGN_WHEEL", "wheel/xacct_sign-*.whl"), *found)
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "xacct.toml").write_text(DEMO.read_text())
    (folder / "test_one.py").write_text(
        f"""
import os, pathlib, sys, xacct_sign

def test_one(xacct_emulator):
    with xacct_emulator.as_caller("shop", "stag"):
        api = xacct_sign.Session(os.environ["XACCT_ROLE_ARN"])
        assert api.get(os.environ["XACCT_URL"] + "/hoge").status_code == 200
    from xacct_sign.testing._process import program
    program, *arguments = program()
    assert [pathlib.Path(program).name, *arguments] == {command}
    assert pathlib.Path(program).resolve().is_relative_to(pathlib.Path(sys.prefix).resolve())
"""
    )
    outcomes, printed = project.test(folder)
    assert outcomes == {"test_one": "passed"}, printed
