"""`make live` without AWS: its steps against moto. The calls, which moto cannot decide, are in test_live_calls.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError
from botocore.stub import Stubber
from emulator import REPOSITORY
from living import CALLER, CHANGES, PROFILES, PROVIDER, REGION, Living, changed
from providing import CFN_LINT

from live import __main__ as program
from live import accounts as live_accounts
from live import stacks, templates
from live.accounts import Account, Accounts
from live.deploy import Run
from live.failure import Failure
from live.journal import Head, Journal
from live.manifest import CALLERS, STAGES, STRANGER, TAG, Apis, name
from live.stacks import StackFailed
from live.undo import LATE_SECONDS, undo, undo_earlier

# ---------------------------------------------------------------- what is deployed


def test_a_run_deploys_what_is_rendered_and_leaves_nothing(living: Living) -> None:
    seen: list[dict[str, list[Any]]] = []

    def look(run: Run, apis: Apis) -> bool:
        seen.append(living.all())
        provider = run.accounts.provider
        with closing(provider.client("iam")) as iam:
            for stage in ("http", "rest", "url"):
                template = json.loads(run.product.printed("render", "cloudformation", "--stage", stage))
                for resource in template["Resources"].values():
                    meant = resource["Properties"]
                    role = iam.get_role(RoleName=meant["RoleName"])["Role"]
                    assert role["AssumeRolePolicyDocument"] == meant["AssumeRolePolicyDocument"]
                    assert (role["Path"], role["Tags"]) == (meant["Path"], meant["Tags"])
                    [policy] = meant["Policies"]
                    kept = iam.get_role_policy(RoleName=meant["RoleName"], PolicyName=policy["PolicyName"])
                    assert kept["PolicyDocument"] == policy["PolicyDocument"]
        with closing(run.accounts.caller.client("iam")) as iam:
            for caller in ("whole", "reader", "partner", STRANGER):
                printed = run.product.printed("policy", "caller", "--caller", caller.replace(STRANGER, "whole"))
                kept = iam.get_role_policy(RoleName=name(run.id, caller), PolicyName="CallApis")
                assert kept["PolicyDocument"] == json.loads(printed)
            assert iam.list_role_policies(RoleName=name(run.id, "silent"))["PolicyNames"] == []
        resource = json.loads(run.product.printed("policy", "resource", "--stage", "rest-direct"))
        with closing(provider.client("apigateway")) as gateway:
            assert json.loads(gateway.get_rest_api(restApiId=apis.rest_direct)["policy"]) == resource
            # It takes effect by a deployment that is made after it.
            assert len(gateway.get_deployments(restApiId=apis.rest_direct)["items"]) == 2
            assert len(gateway.get_deployments(restApiId=apis.rest)["items"]) == 1
        return True

    accounts = living.accounts()
    assert living.go(accounts, look)
    assert living.changes == list(CHANGES)
    assert (living.left(), list(living.runs.iterdir()), living.pauses) == ({}, [], [])
    # It made something of each, in both accounts, and nothing without the run's name.
    [during] = seen
    made = {what for what, found in during.items() if found}
    own = {f"{PROVIDER} {what}" for what in ("Stacks", "Roles", "Functions", "items", "Items")}
    assert made == own | {f"{CALLER} Stacks", f"{CALLER} Roles"}
    run = during[f"{CALLER} Stacks"][0]["Tags"][0]["Value"]
    for found in during.values():
        for each in found:
            assert run in json.dumps(each, default=str)
    assert {tag["Key"] for stack in during[f"{PROVIDER} Stacks"] for tag in stack["Tags"]} == {TAG}


def test_a_difference_from_what_was_rendered_is_told(living: Living, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody else's hand is in the account while it deploys."""
    accounts = living.accounts()

    def meddle(model: Any, params: dict[str, Any], **_: object) -> None:
        if changed(model.name, params) == "make url-direct":
            with closing(accounts.provider.client("iam")) as iam:
                [role] = [role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].endswith("Rest")]
                statement = {"Effect": "Allow", "Principal": {"AWS": "999999999999"}, "Action": "sts:AssumeRole"}
                document = {"Version": "2012-10-17", "Statement": [statement]}
                iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(document))

    accounts.provider.session.events.register("before-call", meddle)
    assert not living.go(accounts)
    said = capsys.readouterr().out
    assert "error: stage `rest` is not deployed as it was rendered: " in said
    assert "- `arn:aws:iam::999999999999:root` may sts:AssumeRole" in said
    assert living.left() == {}


def test_cfn_lint_has_nothing_to_say_of_the_templates(tmp_path: Path) -> None:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]}
    made = {
        "apis": (templates.apis("0a1b2c3d"), "AWS_IAM"),
        "callers": (
            templates.callers("0a1b2c3d", CALLER, "aws", "AROAX:me", {"whole": policy, "silent": None}),
            "sts:",
        ),
    }
    for which, (template, wrong) in made.items():
        path = tmp_path / f"{which}.json"
        text = json.dumps(template)
        # CloudFormation takes no more in the call itself.
        assert len(text) < 51_200
        path.write_text(text)
        done = subprocess.run([*CFN_LINT, str(path)], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
        # It would say something.
        path.write_text(text.replace(wrong, "", 1).replace('"Path"', '"Pat"'))
        assert subprocess.run([*CFN_LINT, str(path)], capture_output=True).returncode != 0


def test_a_role_that_iam_has_not_heard_of_yet_is_waited_for(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    create, refused = stacks.create, []

    def later(account: Account, stack: str, run: str, template: dict[str, Any]) -> dict[str, str]:
        made = create(account, stack, run, template)
        if stack.endswith("-rest") and len(refused) < 2:
            refused.append(stack)
            raise StackFailed(stack, account.id, "Invalid principal in policy")
        return made

    monkeypatch.setattr(stacks, "create", later)
    assert living.go(living.accounts())
    assert (len(refused), living.pauses, living.left()) == (2, [10, 10], {})


def test_the_reason_of_a_stack_that_fails_is_told(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto's stacks do not fail: these are AWS's answers by botocore's model."""
    account = living.accounts().provider
    cloudformation = account.client("cloudformation")
    stack = {"StackName": "s", "CreationTime": "2026-01-01T00:00:00Z", "StackStatus": "ROLLBACK_COMPLETE"}

    def event(number: int, status: str, reason: str) -> dict[str, Any]:
        fixed = {"StackId": "s", "StackName": "s", "Timestamp": "2026-01-01T00:00:00Z"}
        return fixed | {"EventId": str(number), "ResourceStatus": status, "ResourceStatusReason": reason}

    events = [
        event(3, "CREATE_FAILED", "Resource creation cancelled"),
        event(2, "CREATE_FAILED", "Role with name X already exists."),
        event(1, "CREATE_IN_PROGRESS", ""),
    ]
    with Stubber(cloudformation) as stubber:
        stubber.add_response("create_stack", {"StackId": "s"})
        stubber.add_response("describe_stacks", {"Stacks": [stack]})
        stubber.add_response("describe_stack_events", {"StackEvents": events})
        monkeypatch.setattr(Account, "client", lambda *_: cloudformation)
        with pytest.raises(StackFailed, match=r"of 111111111111 was not made: Role with name X already exists\."):
            stacks.create(account, "s", "run", {})
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("then", "gone"),
    [
        # The first answers are older than the deletion.
        (["CREATE_FAILED", "CREATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"], True),
        (["DELETE_IN_PROGRESS", "DELETE_FAILED", None, "DELETE_IN_PROGRESS", "DELETE_COMPLETE"], True),
        (["DELETE_FAILED", None, "DELETE_FAILED"], False),
    ],
)
def test_a_stack_that_cannot_be_deleted_at_once_is_tried_once_more(
    then: list[str | None], gone: bool, living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    """moto deletes at once: these are AWS's answers by botocore's model. None: it is deleted again."""
    account = living.accounts().provider
    cloudformation = account.client("cloudformation")

    def stack(status: str) -> dict[str, Any]:
        tags = [{"Key": "other", "Value": "x"}, {"Key": TAG, "Value": "run"}]
        fixed = {"StackName": "s", "StackId": "arn:s", "CreationTime": "2026-01-01T00:00:00Z"}
        return {"Stacks": [fixed | {"StackStatus": status, "Tags": tags}]}

    reason = {"EventId": "1", "StackId": "s", "StackName": "s", "Timestamp": "2026-01-01T00:00:00Z"}
    reasons = [
        reason | {"ResourceStatus": "DELETE_FAILED", "ResourceStatusReason": "it is in use"},
        reason | {"ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "it was not made"},
    ]
    with Stubber(cloudformation) as stubber:
        stubber.add_response("describe_stacks", stack("CREATE_FAILED"), {"StackName": "s"})
        stubber.add_response("delete_stack", {}, {"StackName": "arn:s"})
        for status in then:
            if status is None:
                stubber.add_response("delete_stack", {}, {"StackName": "arn:s"})
            else:
                stubber.add_response("describe_stacks", stack(status), {"StackName": "arn:s"})
        monkeypatch.setattr(Account, "client", lambda *_: cloudformation)
        if gone:
            assert stacks.delete(account, "s", "run", living.pauses.append)
        else:
            stubber.add_response("describe_stack_events", {"StackEvents": reasons})
            with pytest.raises(Failure, match="the stack `s` of 111111111111 was not deleted: it is in use"):
                stacks.delete(account, "s", "run", living.pauses.append)
        stubber.assert_no_pending_responses()
    assert len(living.pauses) == sum(status not in ("DELETE_COMPLETE", "DELETE_FAILED") for status in then)


# ---------------------------------------------------------------- what is removed, whatever happens


FAULTS = [(fault, change) for fault in ("the request is lost", "the answer is lost") for change in CHANGES]
FAULTS += [("Ctrl-C", "make callers"), ("Ctrl-C", "remove rest")]


@pytest.mark.parametrize(("fault", "change"), FAULTS)
def test_a_fault_at_any_change_leaves_nothing(
    fault: str, change: str, living: Living, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts = living.accounts()
    happened = []

    def ask(model: Any, params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        context["change"] = changed(model.name, params)
        if fault != "the answer is lost" and context["change"] == change and not happened:
            happened.append(change)
            raise KeyboardInterrupt if fault == "Ctrl-C" else EndpointConnectionError(endpoint_url="https://x")

    def answer(context: dict[str, Any], **_: object) -> None:
        if fault == "the answer is lost" and context["change"] == change and not happened:
            happened.append(change)
            raise ConnectionClosedError(endpoint_url="https://x")

    for account in (accounts.provider, accounts.caller):
        account.session.events.register("before-call", ask)
        account.session.events.register("after-call", answer)
    removing = change.startswith("remove")
    if removing and fault == "Ctrl-C":
        with pytest.raises(KeyboardInterrupt):
            living.go(accounts)
    else:
        assert not living.go(accounts)
    assert happened == [change]
    if removing:
        # What is left has a journal.
        said = capsys.readouterr().out
        assert fault == "Ctrl-C" or "`make live-undo` removes what is left" in said
        assert undo_earlier(living.said.append, living.runs, living.pauses.append), living.said
    assert living.left() == {}
    assert list(living.runs.glob("*/journal.jsonl")) == []


@pytest.mark.parametrize("change", ["make apis", "make rest", "make CreateDeployment", "remove url"])
def test_what_a_killed_run_left_is_removed_by_another_process(change: str, living: Living) -> None:
    environment = os.environ | {program.CONFIRMED: "1"}
    killed = subprocess.run(living.command(change, "SIGKILL"), env=environment, capture_output=True, text=True)
    assert killed.returncode == -9, killed.stderr
    assert living.left() != {}
    # Until then no other run begins.
    with pytest.raises(Failure, match="has left something"):
        program.begin(living.accounts(), living.runs)
    script = "import sys; from live.__main__ import *; sys.exit(main(['undo'], Path(sys.argv[1])))"
    command = [sys.executable, "-c", script, str(living.runs)]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert living.left() == {}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "no run has left anything\n")


@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_run_that_is_told_to_end_removes_what_it_made(signal: str, living: Living) -> None:
    environment = os.environ | {program.CONFIRMED: "1"}
    ended = subprocess.run(living.command("make url", signal), env=environment, capture_output=True, text=True)
    assert ended.returncode == program.FAILED, ended.stderr
    assert "interrupted: what was made is removed now\n" in ended.stdout
    assert (living.left(), list(living.runs.glob("*/journal.jsonl"))) == ({}, [])


def test_a_run_whose_reader_is_gone_removes_what_it_made(living: Living) -> None:
    """As when its terminal is closed: whatever it says fails."""
    environment = os.environ | {program.CONFIRMED: "1"}
    command = living.command("make url", "SIGHUP")
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdout
        running.stdout.close()
        assert running.wait() != program.OK
    assert (living.left(), list(living.runs.glob("*/journal.jsonl"))) == ({}, [])
    # It came as far.
    assert list(living.runs.glob("*/url.json")) != []


def test_a_stack_of_the_same_name_that_the_run_did_not_make_stays(living: Living) -> None:
    accounts = living.accounts()
    journal, product = living.begin(accounts)
    theirs = name(journal.head.run, "http")
    template = json.dumps(templates.callers("theirs", PROVIDER, "aws", "x", {"whole": None}))
    with closing(accounts.provider.client("cloudformation")) as cloudformation:
        cloudformation.create_stack(StackName=theirs, TemplateBody=template, Tags=[{"Key": TAG, "Value": "another"}])
    before = living.all()
    assert not program.go(accounts, journal, product, lambda *_: True, living.pauses.append)
    journal.close()
    assert living.all() == before
    assert before[f"{PROVIDER} Stacks"][0]["StackName"] == theirs


def test_a_stack_that_turns_up_late_is_removed(living: Living) -> None:
    """The process ended while the request was on its way."""
    accounts = living.accounts()
    journal, _ = living.begin(accounts)
    run = journal.head.run
    journal.intend("provider", name(run, "apis"))

    def arrive(seconds: float) -> None:
        living.pauses.append(seconds)
        stacks.create(accounts.provider, name(run, "apis"), run, templates.apis(run))

    assert undo(journal, accounts, living.said.append, arrive)
    journal.close()
    assert (living.pauses, living.left()) == ([LATE_SECONDS], {})


def left_behind(living: Living) -> Path:
    """A run that ended with something left."""
    accounts = living.accounts()
    journal, _ = living.begin(accounts)
    run = journal.head.run
    journal.intend("provider", name(run, "apis"))
    stacks.create(accounts.provider, name(run, "apis"), run, templates.apis(run))
    journal.close()
    return journal.path


def test_a_profile_that_is_of_another_account_by_now_removes_nothing(living: Living) -> None:
    left_behind(living)
    before = living.all()
    living.write({"provider": "333333333333", "caller": CALLER})
    assert not undo_earlier(living.said.append, living.runs)
    assert living.said[0].startswith(
        "error: the profile `provider` was of the account 111111111111 and is of 333333333333"
    )
    living.write({"provider": PROVIDER, "caller": CALLER})
    assert living.all() == before
    assert undo_earlier(living.said.append, living.runs)
    assert living.left() == {}


def test_a_run_that_is_not_over_is_not_undone(living: Living) -> None:
    accounts = living.accounts()
    journal, _ = living.begin(accounts)
    assert not undo_earlier(living.said.append, living.runs)
    assert f"error: the run `{journal.head.run}` is still running" in living.said[0]
    journal.close()
    assert undo_earlier(living.said.append, living.runs)


def test_a_line_of_the_journal_that_was_cut_short_counts_for_nothing(living: Living) -> None:
    path = left_behind(living)
    with path.open("a") as file:
        file.write('{"account": "provider", "na')
    assert undo_earlier(living.said.append, living.runs)
    assert living.left() == {}


def test_a_journal_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    head = Head("0a1b2c3d", REGION, "provider", PROVIDER, "caller", CALLER)
    journal = Journal.begin(head, tmp_path)
    journal.intend("caller", "one")
    journal.intend("provider", "two")
    lines = [json.loads(line) for line in journal.path.read_text().splitlines()]
    assert lines == [vars(head), {"account": "caller", "name": "one"}, {"account": "provider", "name": "two"}]
    journal.close()
    again = Journal.resume(journal.path)
    assert (again.head, again.stacks) == (head, journal.stacks)
    again.close()


# ---------------------------------------------------------------- what is asked before anything is made


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "one profile": ({"XACCT_LIVE_CALLER_PROFILE": ""}, "XACCT_LIVE_CALLER_PROFILE is not set"),
    "no such profile": ({"XACCT_LIVE_CALLER_PROFILE": "none"}, "there is no profile `none`"),
    "one account": ({"XACCT_LIVE_CALLER_PROFILE": "provider"}, "both profiles are of the account 111111111111"),
    "no region": ({"XACCT_LIVE_REGION": ""}, "the profile `provider` has no region"),
    "no such region": (
        {"XACCT_LIVE_REGION": "eu west"},
        "the profile `provider` has no usable credentials for eu west: ",
    ),
    "no command": ({"XACCT_SIGN_BIN": "/nowhere"}, "/nowhere is missing"),
    "nobody to ask": ({"XACCT_LIVE_YES": "yes"}, "nobody can be asked whether to go on"),
}


@pytest.mark.parametrize(("environment", "message"), WRONG.values(), ids=WRONG)
def test_wrong_input_is_told_before_anything_is_made(
    environment: dict[str, str],
    message: str,
    living: Living,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    assert program.main(["run"], living.runs) == program.REFUSED
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith(f"error: {message}")
    assert hint.startswith("hint: ")
    assert not living.runs.exists()
    monkeypatch.setenv("XACCT_LIVE_REGION", REGION)
    monkeypatch.setenv("XACCT_LIVE_CALLER_PROFILE", "caller")
    assert living.left() == {}


def test_the_program_says_how_it_is_called(living: Living) -> None:
    for arguments, code in ((["run"], "both profiles are of the account"), ([], "the arguments are `run` or `undo`")):
        environment = os.environ | {"XACCT_LIVE_CALLER_PROFILE": "provider"}
        command = [sys.executable, "-m", "live", *arguments]
        done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (program.REFUSED, "")
        assert done.stderr.startswith(f"error: {code}")


def test_a_profile_without_credentials_is_told(living: Living) -> None:
    living.file.write_text(f"[provider]\n{profile_of(living)}\n[caller]\nregion = {REGION}\n")
    with pytest.raises(Failure, match="the profile `caller` has no usable credentials for eu-west-1: ") as told:
        live_accounts.named(PROFILES | {"XACCT_LIVE_REGION": REGION})
    assert told.value.hint == "`aws sts get-caller-identity --profile caller --region eu-west-1` has to work"


def profile_of(living: Living) -> str:
    return living.file.read_text().split("\n\n")[0].partition("\n")[2]


@pytest.mark.parametrize(
    ("arn", "message"),
    [
        ("arn:aws:iam::222222222222:root", "is the root user of its account"),
        ("arn:aws-cn:iam::222222222222:user/me", "the accounts are in different partitions"),
    ],
)
def test_who_cannot_be_the_caller_is_told(
    arn: str, message: str, living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    """moto knows neither."""
    ours = living.accounts()
    theirs = Account("caller", REGION, ours.caller.session, CALLER, arn, "x")
    monkeypatch.setattr(live_accounts, "opened", lambda *_: Accounts(ours.provider, theirs))
    with pytest.raises(Failure, match=message):
        live_accounts.named(os.environ)


@pytest.mark.parametrize(("typed", "goes_on"), [("yes", True), ("y", False), ("", False), (EOFError, False)])
def test_a_terminal_is_asked_for_a_yes(
    typed: str | type[EOFError], goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", Mock(side_effect=[typed]))
    if goes_on:
        program.confirm()
    else:
        with pytest.raises(Failure, match="that was no yes"):
            program.confirm()


def test_the_accounts_are_shown_before_anybody_is_asked(living: Living, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["run"], living.runs) == program.REFUSED
    shown = capsys.readouterr().out
    assert f"into {PROVIDER}, as arn:aws:sts::{PROVIDER}:assumed-role/Operator/me (profile `provider`)" in shown
    assert f"into {CALLER}, as arn:aws:sts::{CALLER}:assumed-role/Operator/me (profile `caller`)" in shown


def test_every_stage_and_caller_of_the_manifest_is_known() -> None:
    assert set(CALLERS["whole"]) == set(STAGES)
