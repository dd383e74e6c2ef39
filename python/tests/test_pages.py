"""The snippets and commands of docs/testing.md and docs/who-called.md, run as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import xacct_sign
from emulator import FRONTS, REPOSITORY, Emulator, cli
from fresh_project import Project, wheel


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (REPOSITORY / "docs" / page).read_text(), re.M | re.S)


def test_the_pages_have_the_snippets_that_are_run_here() -> None:
    languages = ("python", "sh", "toml", "json")
    assert [len(blocks("testing.md", language)) for language in languages] == [3, 1, 0, 0]
    assert [len(blocks("who-called.md", language)) for language in languages] == [3, 2, 1, 3]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_tests_of_the_page_pass_in_a_fresh_project(number: int, tmp_path: Path) -> None:
    (install,) = blocks("testing.md", "sh")
    assert install == "pip install xacct_sign xacct-sign-emulator pytest\n"
    emulator = wheel("XACCT_SIGN_EMULATOR_WHEEL", "emulator-wheel/*.whl")
    project = Project(tmp_path, wheel("XACCT_SIGN_WHEEL", "wheel/xacct_sign-*.whl"), emulator)
    folder = tmp_path / "project"
    folder.mkdir()
    if number != 1:
        (folder / "xacct.toml").write_text((REPOSITORY / "demo" / "xacct.toml").read_text())
    (folder / "test_page.py").write_text(blocks("testing.md", "python")[number])
    outcomes, said = project.test(folder)
    assert set(outcomes.values()) == {"passed"}, said


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A folder with the manifest of the page, and the command."""
    (text,) = blocks("who-called.md", "toml")
    (tmp_path / "xacct.toml").write_text(text)
    (tmp_path / "xacct-sign").symlink_to(cli())
    return tmp_path


def test_the_manifest_of_the_page_is_right_and_who_knows_whose_session_it_is(page: Path) -> None:
    environment = {**os.environ, "PATH": f"{page}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([cli(), "check"], cwd=page, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    script = blocks("who-called.md", "sh")[0]
    done = subprocess.run(["sh", "-e", "-c", script], cwd=page, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "shop" in done.stdout
    assert "billing" not in done.stdout


@pytest.mark.parametrize("stage", ["http", "rest", "url", "urld"])
def test_a_function_reads_it_from_the_event_of_each_front(start_emulator: Callable[..., Emulator], stage: str) -> None:
    running = start_emulator("--format", "lambda-event", manifest=FRONTS)
    service = running.ready["stages"][stage]["service"]
    if stage == "urld":
        api = xacct_sign.Session(credentials=running.base("shop", stage), region=running.region, service=service)
        expected = "arn:aws:sts::000000000000:assumed-role/Shop/shop"
    else:
        role = running.assume_role("shop", stage, session_name="shop-7")
        api = xacct_sign.Session(role, region=running.region, service=service)
        name = {"http": "ApiHttp", "rest": "ApiRest", "url": "ApiUrl"}[stage]
        expected = f"arn:aws:sts::111111111111:assumed-role/{name}/shop-7"
    event = api.get(running.url("/hoge", stage)).json()
    scope: dict[str, Any] = {}
    exec(blocks("who-called.md", "python")[0], scope)
    assert scope["user_arn"](event) == expected


def test_the_verifier_makes_a_caller_of_the_event(
    page: Path, start_emulator: Callable[..., Emulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (REPOSITORY / "docs" / "who-called.md").read_text()
    (command,) = re.findall(r"`(xacct-sign render callers [^`]*)`", text)
    environment = {**os.environ, "PATH": f"{page}{os.pathsep}{os.environ['PATH']}"}
    script = f"{command} > callers.json"
    done = subprocess.run(["sh", "-e", "-c", script], cwd=page, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(page)
    scope: dict[str, Any] = {}
    exec(blocks("who-called.md", "python")[1], scope)
    running = start_emulator("--format", "lambda-event", manifest=page / "xacct.toml")
    for caller, session in [("shop", "shop-7"), ("billing", "billing")]:
        role = running.assume_role(caller, session_name=session)
        event = xacct_sign.Session(role, region=running.region).get(running.url("/hoge")).json()
        assert scope["handler"](event, None) == {"statusCode": 200, "body": f"hello {caller}"}
    with pytest.raises(xacct_sign.StsError, match="AccessDenied"):
        running.assume_role("billing", session_name="shop-7").credentials()


def test_a_server_reads_it_from_the_mapped_header(page: Path) -> None:
    scope: dict[str, Any] = {}
    exec(blocks("who-called.md", "python")[2], scope)

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with make_server("127.0.0.1", 0, scope["application"], handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            command = blocks("who-called.md", "sh")[1]
            assert command in (REPOSITORY / "docs" / "emulator.md").read_text()
            words = [
                "sh",
                "-c",
                f"exec {command.strip().replace(':3000', f':{server.server_port}')} --json --until-eof",
            ]
            environment = {**os.environ, "PATH": f"{page}{os.pathsep}{os.environ['PATH']}"}
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            with subprocess.Popen(words, cwd=page, env=environment, **pipes) as process:  # type: ignore[call-overload]
                ready = json.loads(process.stdout.readline())
                role = xacct_sign.AssumeRole(
                    ready["callers"][0]["may_assume"]["stag"],
                    region=ready["region"],
                    base=xacct_sign.Credentials(**ready["callers"][0]["credentials"]),
                    sts_endpoint=ready["sts_url"],
                    session_name=ready["callers"][0]["caller"],
                )
                api = xacct_sign.Session(
                    role, region=ready["region"], headers={"x-caller": "forged", "X_Caller": "too"}
                )
                answer = api.get(ready["stages"]["stag"]["url"] + "/hoge")
                process.stdin.close()
            assert (answer.status_code, answer.text) == (200, f"hello {ready['callers'][0]['caller']}")
        finally:
            server.shutdown()
            thread.join()


def test_cfn_lint_takes_the_mappings(tmp_path: Path) -> None:
    http, rest, _ = (json.loads(block) for block in blocks("who-called.md", "json"))
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Http": http, "Rest": rest}}
    file = tmp_path / "template.json"
    file.write_text(json.dumps(template))
    lint = Path(os.sys.executable).with_name("cfn-lint")  # type: ignore[attr-defined]
    done = subprocess.run([lint, file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_variable_of_the_page_is_one(page: Path) -> None:
    # What is known only when an answer is there can be logged, and not mapped.
    later = {"$context.status", "$context.error.message"}
    text = (REPOSITORY / "docs" / "who-called.md").read_text()
    named = set(re.findall(r"\$?context\.[a-zA-Z.]*[a-zA-Z]", text))
    variables = {name if name.startswith("$") else f"${name}" for name in named} - later
    assert "$context.identity.userArn" in variables
    mapped = [word for index, name in enumerate(sorted(variables)) for word in ("--header", f"x-own-{index}={name}")]
    done = subprocess.run(
        [cli(), "emulator", "--until-eof", *mapped], cwd=page, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
