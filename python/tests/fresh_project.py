"""A project that is not ours: an environment with the wheels alone, and pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

from emulator import REPOSITORY

RUNS_TESTS = (
    "pytest",
    "pytest-xdist",
    "execnet",
    "iniconfig",
    "packaging",
    "pluggy",
    "Pygments",
    "exceptiongroup",
    "tomli",
)
"""What pytest and xdist are made of; the last two with Python 3.10 alone."""


def wheel(variable: str, pattern: str) -> Path:
    """A wheel that was built: by the environment's variable, else in dist/."""
    if path := os.environ.get(variable):
        return Path(path)
    wheels = sorted((REPOSITORY / "dist").glob(pattern), key=lambda path: path.stat().st_mtime)
    assert wheels, f"no dist/{pattern}: build it with make, or set {variable}"
    return wheels[-1]


class Project:
    """A folder with tests, and an environment of its own to run them in."""

    def __init__(self, place: Path, *wheels: Path) -> None:
        venv.create(place / "venv", with_pip=False)
        self.bin = place / "venv" / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.bin / "python"
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(self.python)]
        subprocess.run([*pip, "install", "--quiet", "--no-index", "--no-deps", *map(str, wheels)], check=True)
        ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
        packages = Path(
            subprocess.run([self.python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
        )
        for name in RUNS_TESTS:
            copy(name, packages)

    def environment(self, **more: str) -> dict[str, str]:
        """That of whoever runs the tests, without our own programs in its path."""
        path = os.pathsep.join([str(self.bin), "/usr/bin", "/bin"])
        return {**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1", **more}

    def command(self, *arguments: str) -> list[str]:
        return [str(self.python), "-m", "pytest", "-p", "no:cacheprovider", *arguments]

    def test(self, folder: Path, *arguments: str) -> tuple[dict[str, str], str]:
        """How each test ended (`passed`, `failed`, `error`), and what pytest printed."""
        report = folder / "report.xml"
        done = subprocess.run(
            self.command(f"--junit-xml={report}", *arguments),
            cwd=folder,
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        ends = {"failure": "failed", "error": "error", "skipped": "skipped"}
        cases = ElementTree.parse(report).iter("testcase")
        report.unlink()
        return {
            case.attrib["name"]: next((ends[child.tag] for child in case if child.tag in ends), "passed")
            for case in cases
        }, done.stdout + done.stderr


def copy(name: str, packages: Path) -> None:
    """Puts a package that is installed here there, as it is: there is no index to fetch it from."""
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return
    for file in distribution.files or ():
        if ".." not in file.parts and file.suffix != ".pyc":
            target = packages / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(distribution.locate_file(file)), target)
