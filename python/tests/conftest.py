"""Fixtures: the emulator, vectors, an environment without AWS in it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import xacct_sign
from helpers import REPOSITORY, Emulator

hypothesis.settings.register_profile("here", database=None, deadline=None, max_examples=150)
hypothesis.settings.load_profile("here")

_FOREIGN = ("AWS_", "BOTO_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_", "REQUESTS_CA_BUNDLE")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Nothing may hang."""
    for item in items:
        item.add_marker(pytest.mark.timeout(60))


@pytest.fixture(scope="session", autouse=True)
def _scrubbed_environment() -> Iterator[None]:
    """Neither credentials nor proxies of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.upper().startswith(_FOREIGN):
                patch.delenv(name)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        yield


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory, _scrubbed_environment: None) -> Iterator[Emulator]:
    """One emulator for all; it says why it refuses."""
    running = Emulator(tmp_path_factory.mktemp("emulator"), "--explain")
    yield running
    running.close()


@pytest.fixture
def start_emulator(tmp_path: Path) -> Iterator[Callable[..., Emulator]]:
    """Starts an emulator of the test's own, with options."""
    running: list[Emulator] = []

    def start(*options: str) -> Emulator:
        folder = tmp_path / f"emulator-{len(running)}"
        folder.mkdir()
        running.append(Emulator(folder, *options))
        return running[-1]

    yield start
    for each in running:
        each.close()


@pytest.fixture
def short_lived(start_emulator: Callable[..., Emulator]) -> Emulator:
    """An emulator whose credentials live two seconds."""
    return start_emulator("--credential-lifetime", "2")


@pytest.fixture
def credentials() -> xacct_sign.Credentials:
    """AWS's documented example, with a token."""
    return xacct_sign.Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token")


@pytest.fixture(scope="session")
def vectors() -> list[dict[str, Any]]:
    """AWS's signing test suite."""
    if path := os.environ.get("XACCT_SIGN_VECTORS"):
        text = Path(path).read_text()
    else:
        command = ["cargo", "run", "-q", "--release", "-p", "xacct-sign-tests", "--bin", "vectors"]
        text = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    loaded = json.loads(text)
    assert isinstance(loaded, list)
    return loaded
