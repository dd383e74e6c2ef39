"""What ships: the wheel, and what importing it costs."""

from __future__ import annotations

import email
import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import tomllib
import xacct_sign
from emulator import REPOSITORY

COSTLY = {
    "requests",
    "httpx",
    "aiohttp",
    "boto3",
    "botocore",
    "json",
    "asyncio",
    "typing",
    "urllib",
    "http",
    "ssl",
    "socket",
}


@pytest.fixture(scope="module")
def wheel() -> Path:
    if path := os.environ.get("XACCT_SIGN_WHEEL"):
        return Path(path)
    wheels = sorted((REPOSITORY / "dist").glob("xacct_sign-*.whl"), key=lambda path: path.stat().st_mtime)
    assert wheels, "no wheel in dist/: maturin build --release --locked -o dist, or set XACCT_SIGN_WHEEL"
    return wheels[-1]


def test_size(wheel: Path) -> None:
    assert wheel.stat().st_size <= 2_000_000


def test_content(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    python = REPOSITORY / "python"
    sources = {path.relative_to(python).as_posix() for path in (python / "xacct_sign").rglob("*.py*")}
    sources = {path for path in sources if "__pycache__" not in path}
    assert {"xacct_sign/py.typed", "xacct_sign/_native.pyi", "xacct_sign/_native.abi3.so"} <= names
    assert sources <= names
    # Nothing else: no tests, no caches.
    assert {name for name in names if ".dist-info/" not in name} == sources | {
        "xacct_sign/py.typed",
        "xacct_sign/_native.abi3.so",
    }
    assert any(name.endswith("LICENSE-MIT") for name in names)
    assert any(name.endswith("LICENSE-APACHE") for name in names)


def test_metadata(wheel: Path) -> None:
    assert "-cp310-abi3-" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        fields = email.message_from_bytes(archive.read(name))
    extras = {"requests": "2.31", "httpx": "0.25", "aiohttp": "3.12.14", "urllib3": "2.0.7"}
    wanted = [f"{name}>={version} ; extra == '{name}'" for name, version in extras.items()]
    # Nothing comes with it unless an extra is asked for.
    assert sorted(fields.get_all("Requires-Dist") or []) == sorted(wanted)
    assert set(fields.get_all("Provides-Extra") or []) == set(extras)
    assert fields["Requires-Python"] == ">=3.10"
    assert fields["License-Expression"] == "MIT OR Apache-2.0"
    assert "Typing :: Typed" in (fields.get_all("Classifier") or [])
    assert fields["Version"] == metadata.version("xacct_sign")


def test_the_tests_run_on_the_installed_wheel(wheel: Path) -> None:
    installed = Path(xacct_sign.__file__).parent
    assert "site-packages" in installed.parts
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith("xacct_sign/"):
                assert (installed.parent / name).read_bytes() == archive.read(name), (
                    f"{name} differs: install the wheel"
                )


def test_the_oldest_versions_stand_in_the_documentation() -> None:
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    text = " ".join((REPOSITORY / "docs/python.md").read_text().split())
    for ((requirement,),) in zip(extras.values(), strict=True):
        assert requirement.replace(">=", " ") in text


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def modules_after(code: str) -> set[str]:
    text = run(f"import sys\nbefore = set(sys.modules)\n{code}\nprint('\\n'.join(set(sys.modules) - before))")
    return {name.partition(".")[0] for name in text.split()}


def test_importing_imports_nothing_else() -> None:
    new = modules_after("import xacct_sign")
    assert "xacct_sign" in new
    assert not new & COSTLY
    # With `site` off, nothing was there before either.
    text = run(
        "import subprocess, sys, xacct_sign, pathlib\n"
        "folder = str(pathlib.Path(xacct_sign.__file__).parents[1])\n"
        "code = f'import sys; sys.path.append({folder!r}); import xacct_sign; print(*sys.modules)'\n"
        "command = [sys.executable, '-S', '-E', '-c', code]\n"
        "print(subprocess.run(command, capture_output=True, text=True, check=True).stdout)"
    )
    assert not {name.partition(".")[0] for name in text.split()} & COSTLY


def test_signing_and_sending_import_little() -> None:
    new = modules_after(
        "import xacct_sign\n"
        "c = xacct_sign.Credentials('AKIDEXAMPLE', 'secret')\n"
        "xacct_sign.Signer(c, 'us-east-1').sign('GET', 'https://api.example.com/')\n"
        "try: xacct_sign.Session(credentials=c, region='us-east-1', timeout=0.001).get('https://127.0.0.1:1/')\n"
        "except xacct_sign.TransportError: pass"
    )
    assert not new & COSTLY


def test_everything_public_is_there_and_documented() -> None:
    for name in xacct_sign.__all__:
        assert hasattr(xacct_sign, name)
    public = {name for name in vars(xacct_sign) if not name.startswith("_")} - {"annotations"}
    modules = {name for name in public if type(getattr(xacct_sign, name)).__name__ == "module"}
    assert public - modules == set(xacct_sign.__all__)


def test_the_adapter_for_requests_asks_for_requests() -> None:
    code = (
        "import sys\nsys.modules['requests'] = None\ntry: import xacct_sign.requests\nexcept ImportError as e: print(e)"
    )
    assert "requests" in run(code)
