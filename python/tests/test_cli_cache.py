"""The command's cache, as other users of the machine see it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from emulator import Emulator, cli
from helpers import not_run

OWNER, OTHER = 54321, 54322


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody can reach, with the command in it and a place for caches."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        not_run("other-user")
    folder = Path(tempfile.mkdtemp(prefix="xacct-sign-"))
    folder.chmod(0o755)
    shutil.copy(cli(), folder / "xacct-sign")
    (folder / "caches").mkdir()
    os.chown(folder / "caches", OWNER, OWNER)
    yield folder
    shutil.rmtree(folder)


def _run(user: int, place: Path, emulator: Emulator, *command: str) -> subprocess.CompletedProcess[str]:
    caches = place / "caches" if sys.platform != "darwin" else place
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(place),
        "XDG_CACHE_HOME": str(caches),
        "AWS_ENDPOINT_URL_STS": emulator.sts_url,
        "AWS_REGION": emulator.region,
        **emulator.environment(),
    }
    return subprocess.run(
        command, env=environment, user=user, group=user, extra_groups=[], capture_output=True, text=True
    )


def test_another_user_sees_nothing_and_changes_nothing(place: Path, emulator: Emulator):
    credentials = [str(place / "xacct-sign"), "credentials", "--role", emulator.role_arn()]
    mine = _run(OWNER, place, emulator, *credentials)
    assert (mine.returncode, mine.stderr) == (0, "")
    (folder,) = (place / "caches").iterdir()
    (kept,) = folder.glob("*.json")
    for forbidden in (["ls", str(folder)], ["cat", str(kept)], ["touch", str(folder / "x")], ["rm", str(kept)]):
        seen = _run(OTHER, place, emulator, *forbidden)
        assert seen.returncode != 0
        assert seen.stdout == ""
    # Whoever says that this is his cache, too, does without.
    others = _run(OTHER, place, emulator, *credentials)
    assert others.returncode == 0
    assert f"warning[cache_unsafe]: the cache is not used: `{folder}` belongs to somebody else\n" in others.stderr
    assert others.stdout != mine.stdout
    assert _run(OTHER, place, emulator, credentials[0], "cache", "clear").returncode == 1
    assert _run(OWNER, place, emulator, *credentials).stdout == mine.stdout


def test_a_file_of_another_user_is_told_and_left_alone(place: Path, emulator: Emulator):
    credentials = [str(place / "xacct-sign"), "credentials", "--role", emulator.role_arn()]
    mine = _run(OWNER, place, emulator, *credentials)
    (kept,) = (place / "caches" / "xacct-sign").glob("*.json")
    os.chown(kept, OTHER, OTHER)
    for mode in (0o600, 0o644):
        kept.chmod(mode)
        before = kept.read_bytes()
        again = _run(OWNER, place, emulator, *credentials)
        assert again.returncode == 0
        assert f"warning[cache_unsafe]: the cache is not used: `{kept}` belongs to somebody else\n" in again.stderr
        assert again.stdout != mine.stdout
        assert kept.read_bytes() == before
        assert stat.S_IMODE(kept.stat().st_mode) == mode
