"""Two accounts of moto's, as `make live` finds them, and what is in them. An emulator decides the calls."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
import xacct_sign
from botocore.loaders import create_loader
from emulator import REPOSITORY, Emulator, cli
from helpers import Answer, Request, serve
from moto_stacks import teach

from live import __main__ as program
from live.accounts import Account, Accounts, named
from live.deploy import Run
from live.journal import Journal
from live.manifest import STAGES, STRANGER, Apis
from live.product import Product

LOADER = create_loader()

PROVIDER, CALLER = "111111111111", "222222222222"
REGION = "eu-west-1"
PROFILES = {"XACCT_LIVE_PROVIDER_PROFILE": "provider", "XACCT_LIVE_CALLER_PROFILE": "caller"}

# Every call that changes something in AWS, in a run's order: the last part of a stack's name, or the operation.
MADE = ("apis", "callers", "http", "rest", "url", "UpdateRestApi", "CreateDeployment", "url-direct")
REMOVED = ("url-direct", "url", "rest", "http", "callers", "apis")
CHANGES = (*(f"make {what}" for what in MADE), *(f"remove {what}" for what in REMOVED))


def xtask() -> Path:
    """The program behind `cargo xtask`."""
    path = Path(os.environ.get("XACCT_SIGN_XTASK") or REPOSITORY / "target" / "debug" / "xtask")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: cargo build -p xtask, or set XACCT_SIGN_XTASK")
    return path


def profile(url: str, account: str) -> str:
    """Keys that moto takes for a role's session in an account: a section of a file of credentials."""
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    with closing(boto3.client("sts", region_name=REGION, endpoint_url=url, **keys)) as sts:
        role = f"arn:aws:iam::{account}:role/Operator"
        given = sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    return f"""aws_access_key_id = {given["AccessKeyId"]}
aws_secret_access_key = {given["SecretAccessKey"]}
aws_session_token = {given["SessionToken"]}
"""


class Living:
    """The accounts, and a folder for the runs."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.runs = folder / "runs"
        self.said: list[str] = []
        self.pauses: list[float] = []
        self.changes: list[str] = []
        self.file = folder / "credentials"
        self.write({"provider": PROVIDER, "caller": CALLER})
        self.environment = PROFILES | {
            "AWS_SHARED_CREDENTIALS_FILE": str(self.file),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_ENDPOINT_URL": url,
            "XACCT_LIVE_REGION": REGION,
            "XACCT_SIGN_BIN": str(cli()),
        }

    def write(self, accounts: dict[str, str]) -> None:
        """The profiles, each of an account."""
        self.file.write_text("".join(f"[{name}]\n{profile(self.url, of)}\n" for name, of in accounts.items()))

    def accounts(self) -> Accounts:
        """They keep count of what they change."""
        accounts = named(os.environ)
        for account in (accounts.provider, accounts.caller):
            account.session.events.register("before-call", self._before)
        return accounts

    def _before(self, model: Any, params: dict[str, Any], **_: object) -> None:
        if (change := changed(model.name, params)) is not None:
            self.changes.append(change)

    def begin(self, accounts: Accounts) -> tuple[Journal, Product]:
        journal = program.begin(accounts, self.runs)
        return journal, Product(cli(), journal.path.parent)

    def go(self, accounts: Accounts, calls: Callable[[Run, Apis], bool] = lambda *_: True) -> bool:
        journal, product = self.begin(accounts)
        try:
            return program.go(accounts, journal, product, calls, self.pauses.append)
        finally:
            journal.close()

    def command(self, at: str, signal: str) -> list[str]:
        """`python -m live run`, which sends itself a signal once a change was answered."""
        script = f"""
import os, signal, sys
sys.path[:0] = [{str(REPOSITORY)!r}, {str(Path(__file__).parent)!r}, {str(REPOSITORY / "python" / "harness")!r}]
from pathlib import Path
import living
from live import __main__ as program, accounts

def answered(parsed, context, **_):
    if context.get("living") == {at!r}:
        os.kill(os.getpid(), signal.{signal})

def asked(model, params, context, **_):
    context["living"] = living.changed(model.name, params)

def named(environment):
    found = accounts.named(environment)
    for account in (found.provider, found.caller):
        account.session.events.register("before-call", asked)
        account.session.events.register("after-call", answered)
    return found

program.named = named
# No call leaves this machine.
program.aws.calls = lambda *_: True
sys.exit(program.main(["run"], Path({str(self.runs)!r})))
"""
        return [sys.executable, "-c", script]

    def all(self) -> dict[str, list[Any]]:
        """All that there is in either account."""
        accounts = named(os.environ)
        return {
            f"{account.id} {what}": found for account in vars(accounts).values() for what, found in everything(account)
        }

    def left(self) -> dict[str, list[Any]]:
        return {what: found for what, found in self.all().items() if found}


def empty(url: str, folder: Path, patch: pytest.MonkeyPatch) -> Living:
    """Accounts in which nothing is, and an environment in which they are named."""
    requests.post(f"{url}/moto-api/reset", timeout=10).raise_for_status()
    teach(patch)
    # Every session reads megabytes of models anew, otherwise.
    patch.setattr("botocore.session.create_loader", lambda *_: LOADER)
    found = Living(url, folder)
    for key, value in found.environment.items():
        patch.setenv(key, value)
    return found


def changed(operation: str, params: dict[str, Any]) -> str | None:
    """Which of `CHANGES` a call is; None for one that changes nothing."""
    if operation.startswith(("Describe", "Get", "List", "AssumeRole")):
        return None
    if operation in ("CreateStack", "DeleteStack"):
        name = params["body"]["StackName"].rpartition(":stack/")[2].split("/")[0]
        what = name.split("-", 3)[3]
        return f"{'make' if operation == 'CreateStack' else 'remove'} {what}"
    return f"make {operation}"


def everything(account: Account) -> list[tuple[str, list[Any]]]:
    """What an account shows, of every service that a run touches."""
    found = []
    for service, operation, key in (
        ("cloudformation", "describe_stacks", "Stacks"),
        ("iam", "list_roles", "Roles"),
        ("lambda", "list_functions", "Functions"),
        ("apigateway", "get_rest_apis", "items"),
        ("apigatewayv2", "get_apis", "Items"),
        ("logs", "describe_log_groups", "logGroups"),
    ):
        with closing(account.client(service)) as client:
            found.append((key, getattr(client, operation)()[key]))
    with closing(account.client("iam")) as iam:
        found.append(("Policies", iam.list_policies(Scope="Local")["Policies"]))
    return found


# ---------------------------------------------------------------- the calls

# What nobody has to be allowed stands for a role without a policy.
NOTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
}
DENIED = Answer(403, {"x-amzn-errortype": "AccessDeniedException"}, b'{"Message":"not authorized"}')


class Decided:
    """Emulators of what is deployed, and in Lambda's place a server that refuses whatever it is asked."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self._policy = folder / "nothing.json"
        self._policy.write_text(json.dumps(NOTHING))
        self._running = running
        self._patch = running.enter_context(pytest.MonkeyPatch.context())
        self._lambda_api = running.enter_context(serve(lambda _: DENIED))
        self.lambda_requests: list[Request] = self._lambda_api.requests

    def by(self, manifest: Path) -> dict[str, Any]:
        """What a world has of an emulator of this manifest. From now on the callers' STS and Lambda are these."""
        options = ("--explain", "--caller-policy", f"silent={self._policy}")
        emulator = self._running.enter_context(Emulator(*options, manifest=manifest))
        self._patch.setenv("AWS_ENDPOINT_URL_STS", emulator.sts_url)
        self._patch.setenv("AWS_ENDPOINT_URL_LAMBDA", self._lambda_api.url)
        callers = {one["caller"]: xacct_sign.Credentials(**one["credentials"]) for one in emulator.ready["callers"]}
        return {
            "urls": {stage: emulator.url(stage=stage) for stage in STAGES},
            "credentials": callers | {STRANGER: emulator.outsider()},
            "tells_service": False,
        }


@contextmanager
def decided(folder: Path) -> Iterator[Decided]:
    """Until they are not needed any more."""
    with ExitStack() as running:
        yield Decided(folder, running)
