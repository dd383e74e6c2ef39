"""Which program the pytest plugin takes for its emulator."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import NoReturn

import pytest
import xacct_sign
from emulator import DEMO
from xacct_sign.testing import _process


@pytest.mark.parametrize("is_installed", [True, False], ids=["wheel", "path"])
@pytest.mark.parametrize("wheel", ["xacct-sign-emulator", "xacct-sign-cli"])
@pytest.mark.parametrize(("version", "upgrade"), [("0.0.9", "{wheel}=={own}"), ("99.0.0", "xacct_sign=={version}")])
def test_an_emulator_of_another_version_is_told_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wheel: str, version: str, upgrade: str, is_installed: bool
) -> None:
    name = wheel.removesuffix("-cli")
    script = tmp_path / name
    script.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo {name} {version}\n')
    script.chmod(0o755)
    if is_installed:
        folder = tmp_path / f"{wheel.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {wheel}\nVersion: {version}\n")
        (folder / "RECORD").write_text(f"{name},,\n")
        monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(xacct_sign.XacctSignError) as told:
        _process.program()
    own = metadata.version("xacct_sign")
    assert (told.value.code, told.value.hint) == (
        "versions_differ",
        "pip install " + upgrade.format(wheel=wheel, version=version, own=own),
    )
    assert str(told.value).startswith(f"{wheel} has version {version}, and xacct_sign has {own}")


def test_a_program_that_cannot_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "xacct-sign"
    script.write_bytes(b"\x7fELF")
    script.chmod(0o755)
    monkeypatch.setattr(_process, "PROGRAMS", {"xacct-sign-cli": ()})
    monkeypatch.setattr("importlib.metadata.distribution", _none)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _process.program() == [str(script)]
    with pytest.raises(xacct_sign.XacctSignError, match=r"did not start: .*xacct-sign: Exec format error") as told:
        _process.Process(_process.Manifest(DEMO), None)
    assert told.value.code == "emulator_failed"


def _none(name: str) -> NoReturn:
    raise metadata.PackageNotFoundError(name)
