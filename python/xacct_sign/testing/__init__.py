"""A plugin for pytest: STS and the API of your `xacct.toml` on this machine, for the tests of a caller.

It registers itself where xacct_sign is installed. The emulator comes with `pip install xacct-sign-emulator`.

    def test_an_order_is_placed(xacct_emulator):
        with xacct_emulator.as_caller("shop", "stag"):
            place_order()
        assert [(call.method, call.path) for call in xacct_emulator.calls] == [("PUT", "/orders/1")]

The fixtures: `xacct_emulator`, an `Emulator`; `xacct_manifest` and `xacct_upstream`, which you may override.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ._emulator import Call, Emulator

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from ._process import Processes

__tracebackhide__ = True
"""What fails here fails the test: what counts is the sentence, and not the plugin's own lines."""

__all__ = ["Call", "Emulator"]


@pytest.fixture
def xacct_manifest(request: pytest.FixtureRequest) -> str | os.PathLike[str]:
    """The manifest that the emulator enforces: the `xacct.toml` beside the test's file, else in a folder above it.

    Override it, in any scope, with one that returns a path or the text of a manifest in TOML.
    """
    from ._process import nearest_manifest

    return nearest_manifest(request.path)


@pytest.fixture
def xacct_upstream() -> str | None:
    """The URL of the server that answers the calls which are let in; None, as here, for the emulator's own answer.

    Override it, in any scope. The emulator's own shows what an API behind it would see, as JSON.
    """
    return None


@pytest.fixture(scope="session")
def _xacct_processes() -> Iterator[Processes]:
    """The emulators of this process: one for each manifest, started when a test first needs it."""
    from ._process import Processes

    with Processes() as processes:
        yield processes


@pytest.fixture
def xacct_emulator(
    request: pytest.FixtureRequest,
    xacct_manifest: str | os.PathLike[str],
    xacct_upstream: str | None,
    _xacct_processes: Processes,
) -> Iterator[Emulator]:
    """STS and each stage's API, enforcing the roles of `xacct_manifest`: an `Emulator`.

    Which manifest it was, what was refused, and why, is shown where the test fails.
    """
    from ._process import Manifest, checked_upstream

    manifest = Manifest(xacct_manifest)
    emulator = Emulator(*_xacct_processes.of(manifest, checked_upstream(xacct_upstream)))
    yield emulator
    shown = [f"manifest: {manifest.shown}", *emulator._refused()]
    request.node.add_report_section("teardown", "xacct_emulator", "\n".join(shown))
