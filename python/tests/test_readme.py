"""The README's snippets, run as they stand: only hosts and ports are those of an emulator."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from emulator import REPOSITORY, Emulator, cli

README = (REPOSITORY / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


def test_the_readme_has_the_snippets_that_are_run_here() -> None:
    assert len(blocks("python")) == 3
    assert len(blocks("sh")) == 4


@pytest.mark.parametrize("snippet", blocks("python"), ids=["session", "requests", "signer"])
def test_a_python_snippet_runs(
    snippet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (text,) = blocks("toml")
    manifest = tmp_path / "xacct.toml"
    manifest.write_text(text)
    with Emulator(manifest=manifest) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", running.sts_url)
        assert "https://server.stag.foo.example.com" in snippet
        scope: dict[str, object] = {}
        exec(snippet.replace("https://server.stag.foo.example.com", running.url()), scope)
        if "answer" in scope:
            assert scope["answer"].status_code == 200  # type: ignore[attr-defined]
        elif "signer" in scope:
            import requests

            sent = requests.get(str(scope["url"]), headers=scope["headers"], timeout=10)  # type: ignore[arg-type]
            assert sent.status_code == 200
            assert requests.get(str(scope["link"]), timeout=10).status_code == 200
        else:
            assert "'body': '{\"foo\":\"bar\"}'" in capsys.readouterr().out


def test_the_callers_commands_run(tmp_path: Path) -> None:
    manifest = tmp_path / "xacct.toml"
    manifest.write_text(blocks("toml")[0])
    (tmp_path / "xacct-sign").symlink_to(cli())
    # The AWS CLI is not everywhere.
    assert "-- aws sts get-caller-identity" in blocks("sh")[0]
    script = blocks("sh")[0].replace("aws sts get-caller-identity", "xacct-sign whoami")
    with Emulator(manifest=manifest) as running:
        own = running.environment() | {
            "AWS_ENDPOINT_URL_STS": running.sts_url,
            "AWS_REGION": running.region,
            "HOME": str(tmp_path),
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        }
        script = "set -e\n" + script.replace("https://server.stag.foo.example.com", running.url())
        done = subprocess.run(["bash", "-c", script], env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    echoed, account, arn, _, *walked = done.stdout.replace("account:", "\naccount:", 1).splitlines()
    assert json.loads(echoed)["body"] == '{"foo":"bar"}'
    assert account == "account: 111111111111"
    assert arn.endswith(":assumed-role/ApiAllowByIamRoleStag/xacct-sign")
    assert walked[-1] == "nothing is broken"


def test_the_policy_commands_run(tmp_path: Path) -> None:
    manifest = tmp_path / "xacct.toml"
    manifest.write_text(blocks("toml")[0])
    lines = [line.split("#")[0].split() for line in blocks("sh")[2].splitlines()]
    commands = [words for words in lines if words[:2] == ["xacct-sign", "policy"]]
    assert len(commands) == 3
    for words in commands:
        arguments = [str(manifest) if word == "xacct.toml" else word for word in words[1:]]
        done = subprocess.run([cli(), *arguments], capture_output=True, text=True, check=True)
        assert '"Version": "2012-10-17"' in done.stdout


def test_the_providers_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "xacct.toml").write_text(blocks("toml")[0])
    (tmp_path / "xacct-sign").symlink_to(cli())
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    script = f"set -e\n{blocks('sh')[3]}"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("ApiAllowByIamRoleStag: the same\n")
    assert "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag" in (tmp_path / "note.md").read_text()
