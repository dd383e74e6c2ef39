"""The world of `make live`, made of what moto has, and a whole run, whose calls an emulator decides."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from emulator import REPOSITORY
from living import CALLER, REGION, Living, decided, xtask

from live import __main__ as program
from live import aws
from live.accounts import Accounts
from live.deploy import Run
from live.manifest import CALLERS, STAGES, STRANGER, Apis, external_id, name
from live.matrix import PAUSE_SECONDS, World


def test_the_world_is_what_was_deployed(living: Living) -> None:
    accounts = living.accounts()
    worlds: list[World] = []

    def look(run: Run, apis: Apis) -> bool:
        world = aws.world(run, apis)
        worlds.append(world)
        assert (world.region, world.tells_service) == (REGION, True)
        alias, direct = name(run.id, "alias"), name(run.id, "direct")
        with closing(accounts.provider.client("lambda")) as functions:
            urls = {
                "http": f"https://{apis.http}.execute-api.{REGION}.amazonaws.com",
                "rest": f"https://{apis.rest}.execute-api.{REGION}.amazonaws.com/v1",
                "rest-direct": f"https://{apis.rest_direct}.execute-api.{REGION}.amazonaws.com/v1",
                "url": functions.get_function_url_config(FunctionName=alias)["FunctionUrl"],
                "url-direct": functions.get_function_url_config(FunctionName=direct)["FunctionUrl"],
            }
            assert world.functions == {
                "url": functions.get_alias(FunctionName=alias, Name="live")["AliasArn"],
                "url-direct": functions.get_function(FunctionName=direct)["Configuration"]["FunctionArn"],
            }
        assert {stage: url.rstrip("/") for stage, url in world.urls.items()} == {
            stage: url.rstrip("/") for stage, url in urls.items()
        }
        # The terms are those of the manifest, by the product.
        assert set(world.terms) == set(CALLERS)
        for (caller, _), row in run.product.rows().items():
            meant, sent = row["terms"], world.terms[caller]
            assert sent.get("external_id") == meant.get("external_id")
            patterns = meant.get("session_names", ["*"])
            assert any(fnmatchcase(sent.get("session_name", "any"), pattern) for pattern in patterns)
            assert ("session_name" in sent) == ("session_names" in meant)
        assert world.terms["partner"]["external_id"] == external_id(run.id)
        # Everybody is a session of a role of its own.
        assert set(world.credentials) == {*CALLERS, STRANGER}
        for caller, credentials in world.credentials.items():
            keys = (credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
            with closing(boto3.Session(*keys).client("sts", region_name=REGION)) as sts:
                who = sts.get_caller_identity()["Arn"]
            assert who == f"arn:aws:sts::{CALLER}:assumed-role/{name(run.id, caller)}/xacct-live"
            assert credentials.expires_at
            assert credentials.expires_at > datetime.now(timezone.utc)
        return True

    assert living.go(accounts, look)
    assert (len(worlds), living.pauses, living.left()) == (1, [], {})


def refuse(accounts: Accounts, times: int) -> list[str]:
    """STS refuses the callers' account so often: its list of the roles that are asked for."""
    asked: list[str] = []

    def ask(params: dict[str, Any], **_: object) -> None:
        asked.append(params["body"]["RoleArn"].rsplit("-", 1)[1])
        if len(asked) <= times:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not yet"}}, "AssumeRole")

    accounts.caller.session.events.register("before-call.sts.AssumeRole", ask)
    return asked


def test_a_callers_role_that_cannot_be_assumed_yet_is_asked_for_again(living: Living) -> None:
    accounts = living.accounts()
    asked = refuse(accounts, 2)
    assert living.go(accounts, lambda run, apis: set(aws.world(run, apis).credentials) == {*CALLERS, STRANGER})
    first, *rest = [*CALLERS, STRANGER]
    assert asked == [first, first, first, *rest]
    assert (living.pauses, living.left()) == ([PAUSE_SECONDS] * 2, {})


def test_a_callers_role_that_can_never_be_assumed_is_told(living: Living, capsys: pytest.CaptureFixture[str]) -> None:
    accounts = living.accounts()
    asked = refuse(accounts, 1000)
    # No call of the matrix is made.
    assert not living.go(accounts, aws.calls)
    said = capsys.readouterr().out
    assert "error: the caller's own role cannot be assumed: An error occurred (AccessDenied)" in said
    assert "hint: the profile `caller` needs sts:AssumeRole on roles with the path /xacct-live/\n" in said
    assert asked == [next(iter(CALLERS))] * aws.TRIES
    assert (living.pauses, living.left()) == ([PAUSE_SECONDS] * (aws.TRIES - 1), {})


# ---------------------------------------------------------------- a whole run


@pytest.mark.parametrize("asks_for_its_terms", [True, False])
def test_a_whole_run_ends_as_its_calls_do(
    asks_for_its_terms: bool,
    living: Living,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All of it is the program's own, but for where the stages are served and who knows the callers' keys."""
    world = aws.world

    def emulated(run: Run, apis: Apis) -> World:
        made = world(run, apis)
        text = (run.product.folder / "xacct.toml").read_text()
        term = f'external_id = "{external_id(run.id)}"\n'
        assert term in text
        deployed = tmp_path / "deployed.toml"
        deployed.write_text(text if asks_for_its_terms else text.replace(term, ""))
        return replace(made, **emulators.by(deployed))

    monkeypatch.setattr(aws, "world", emulated)
    monkeypatch.setenv(program.CONFIRMED, "1")
    with decided(tmp_path) as emulators:
        code = program.main(["run"], living.runs)
    lines = capsys.readouterr().out.splitlines()
    wrong = [line.split() for line in lines if line.startswith("WRONG")]
    [total] = [line for line in lines if " calls ended as they should: " in line]
    right, _, every = total.split()[:3]
    if asks_for_its_terms:
        assert (code, wrong, right) == (program.OK, [], every)
        assert list(living.runs.iterdir()) == []
    else:
        assert (code, int(right)) == (program.FAILED, int(every) - 3)
        assert [line[1:3] for line in wrong] == [[stage, "partner"] for stage in ("http", "rest", "url")]
    assert {line.split()[1] for line in lines if line.startswith("ok ")} == set(STAGES)
    assert living.left() == {}


# ---------------------------------------------------------------- nobody named an account


@pytest.mark.parametrize("provider", [None, "", "api-sandbox"])
def test_without_accounts_nothing_is_built_and_not_run_is_the_last_line(provider: str | None, tmp_path: Path) -> None:
    """By `make`, whose cargo runs the built xtask and nothing else."""
    cargo = tmp_path / "cargo"
    cargo.write_text(
        f'#!/bin/sh\n[ "$1" = xtask ] || {{ echo "asked to $1" >&2; exit 9; }}\nshift\nexec "{xtask()}" "$@"\n'
    )
    cargo.chmod(0o755)
    # Not those of the cargo and the make that run the tests, nor their file of what did not run.
    foreign = ("CARGO", "MAKE", "MFLAGS", "XACCT_LIVE_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    environment |= {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "CARGO_TARGET_DIR": str(tmp_path / "target")}
    if provider is not None:
        environment["XACCT_LIVE_PROVIDER_PROFILE"] = provider
    done = subprocess.run(["make", "live"], cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    if provider:
        # It is meant: the command is built first.
        assert done.returncode != 0
        assert "asked to build\n" in done.stderr
        assert "NOT RUN" not in done.stderr
    else:
        assert done.returncode == 0, done.stderr
        assert done.stdout == "cargo xtask live\n"
        (line,) = done.stderr.splitlines()
        assert line.startswith("NOT RUN live: no accounts are named: XACCT_LIVE_PROVIDER_PROFILE and ")
