"""The Python in docs/, run as it stands: only the API's address is the emulator's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from emulator import REPOSITORY, Emulator, cli

API = "https://server.stag.foo.example.com"
PAGES = {"choosing.md": 3, "credentials.md": 7, "python.md": 18, "troubleshooting.md": 1}

ELSEWHERE = {("choosing.md", 2), ("choosing.md", 3), ("python.md", 8), ("python.md", 9)}
"""What test_uploads.py runs, the one behind the other; and test_identity.py, at a server that asks who calls."""

REFUSED = {
    (
        "credentials.md",
        5,
    ): "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::000000000000:role/LambdaRoleDeve",
    ("credentials.md", 6): '{"message":"Forbidden"}',
}
"""What the README's manifest lets nobody do: assume the caller's own role, and call without the provider's."""

CHECK = """
if __name__ == "__main__" and "answer" in globals():
    assert (answer.status_code if hasattr(answer, "status_code") else answer.status) == 200, answer.text
"""
"""An answer that a snippet keeps is one of the API."""


def snippets(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (REPOSITORY / "docs" / page).read_text(), re.M | re.S)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_the_snippets_that_are_run_here(page: str) -> None:
    assert len(snippets(page)) == PAGES[page]


@pytest.mark.parametrize(
    ("page", "number"),
    sorted({(page, number) for page, count in PAGES.items() for number in range(1, count + 1)} - ELSEWHERE),
)
def test_a_snippet_runs(page: str, number: int, tmp_path: Path) -> None:
    snippet = snippets(page)[number - 1]
    toml = re.findall(r"^```toml\n(.*?)^```$", (REPOSITORY / "README.md").read_text(), re.M | re.S)[0]
    (tmp_path / "xacct.toml").write_text(toml)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "xacct-sign").symlink_to(cli())
    with Emulator("--explain", manifest=tmp_path / "xacct.toml") as running:
        caller = running.caller()["credentials"]
        keys = {
            "AccessKeyId": caller["access_key_id"],
            "SecretAccessKey": caller["secret_access_key"],
            "SessionToken": caller["session_token"],
        }
        (tmp_path / "credentials.json").write_text(json.dumps(keys))
        profile = "\n".join(f"aws_{name} = {value}" for name, value in caller.items())
        (tmp_path / "profiles").write_text(f"[dev]\n{profile}\n")
        (tmp_path / "program.py").write_text(snippet.replace(API, running.url()) + CHECK)
        environment = {
            **os.environ,
            **running.environment(),
            "AWS_ENDPOINT_URL_STS": running.sts_url,
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "profiles"),
            "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }
        done = subprocess.run(
            [sys.executable, "program.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        if refusal := REFUSED.get((page, number)):
            assert done.returncode == 1
            assert refusal in done.stderr
            return
        assert done.returncode == 0, done.stderr
        # But for the one that starts an emulator of its own, each assumes the role at this one.
        assert "AssumeRole" in running.log() or '"emulator"' in snippet
