"""Fixtures: the emulator, vectors, an environment without AWS in it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import serving
import xacct_sign
from emulator import PARTNER, REPOSITORY, Emulator
from xacct_sign.server import Verifier

if TYPE_CHECKING:
    from living import Living

hypothesis.settings.register_profile("here", database=None, deadline=None, max_examples=150)
hypothesis.settings.load_profile("here")

_FOREIGN = ("AWS_", "BOTO_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_", "REQUESTS_CA_BUNDLE")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sleeps: waits for real seconds")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Nothing may hang."""
    for item in items:
        item.add_marker(pytest.mark.timeout(60))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """What is skipped past `helpers.not_run`, a whole module too, fails."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    for report in reporter.stats.get("skipped", []) if reporter else []:
        reason = str(report.longrepr[-1])
        if not reason.startswith("Skipped: NOT RUN "):
            reporter.write_line(f"\n{report.nodeid} did not run, and not by tests/not-run.toml: {reason}", red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session", autouse=True)
def _scrubbed_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither credentials nor proxies of whoever runs the tests, nor the cache."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.upper().startswith(_FOREIGN):
                patch.delenv(name)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("caches")))
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        yield


@pytest.fixture(scope="session")
def emulator(_scrubbed_environment: None) -> Iterator[Emulator]:
    """One emulator for all; it says why it refuses."""
    with Emulator("--explain") as running:
        yield running


@pytest.fixture(scope="session")
def partners(_scrubbed_environment: None) -> Iterator[Emulator]:
    """One that knows the caller `partner` besides."""
    with Emulator("--explain", manifest=PARTNER) as running:
        yield running


@pytest.fixture
def start_emulator() -> Iterator[Callable[..., Emulator]]:
    """Starts an emulator of the test's own, with options."""
    with contextlib.ExitStack() as running:
        yield lambda *options, **manifest: running.enter_context(Emulator(*options, **manifest))


@pytest.fixture(params=[False, True], ids=["as at AWS", "with --explain"])
def explains(request: pytest.FixtureRequest) -> bool:
    """Whether the emulators that `start` starts say why they refuse: the test is run with both."""
    return bool(request.param)


@pytest.fixture
def start(start_emulator: Callable[..., Emulator], explains: bool) -> Callable[..., Emulator]:
    """Starts an emulator of the test's own, with options, that explains or not."""
    options = ["--explain"] if explains else []
    return lambda *more, **manifest: start_emulator(*options, *more, **manifest)


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


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of a moto server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def living(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Living:
    """Two empty accounts of moto's."""
    import living

    return living.empty(moto, tmp_path, monkeypatch)


@pytest.fixture
def here() -> Iterator[serving.Loopback]:
    """Issuers and STS for the verifiers of one test."""
    with serving.loopback() as here:
        yield here


@pytest.fixture
def verifier(here: serving.Loopback) -> Verifier:
    return Verifier(here.world()["world"], development=True)
