"""The documents, as the product renders them, into the two accounts."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from live import stacks, templates
from live.accounts import Accounts
from live.failure import Failure
from live.journal import Journal
from live.manifest import CALLERS, PATH, STAGES, STRANGER, Apis, external_id, manifest, name
from live.product import Product
from live.stacks import Pause, Say, StackFailed

PRINCIPAL_TRIES = 6
"""IAM takes a role as a principal when it has heard of it, which is seconds after it was made in the other account."""


@dataclass
class Run:
    """One run, and what it knows."""

    id: str
    accounts: Accounts
    journal: Journal
    product: Product
    say: Say
    pause: Pause

    @property
    def region(self) -> str:
        """Of both."""
        return self.accounts.provider.region


def deploy(run: Run) -> Apis:
    """Makes all of it, in an order in which every document names what is there already."""
    apis = _apis(run)
    provider, caller = run.accounts.provider.id, run.accounts.caller.id
    (run.product.folder / "xacct.toml").write_text(manifest(run.id, run.region, provider, caller, apis))
    run.say(run.product.printed("check").strip())
    _callers(run)
    for stage in STAGES:
        if stage == "rest-direct":
            _resource_policy(run, stage, apis.rest_direct)
        else:
            _rendered(run, stage)
    compare(run, apis)
    return apis


def _stack(run: Run, account: str, what: str, template: dict[str, Any]) -> dict[str, str]:
    stack = name(run.id, what)
    of = getattr(run.accounts, account)
    run.journal.intend(account, stack)
    run.say(f"making the stack {stack} in {of.id}")
    return stacks.create(of, stack, run.id, template)


def _apis(run: Run) -> Apis:
    made = _stack(run, "provider", "apis", templates.apis(run.id))
    urls = {
        "http": made["HttpUrl"],
        "rest": made["RestUrl"],
        "url": made["AliasUrl"],
        "rest-direct": made["RestDirectUrl"],
        "url-direct": made["DirectUrl"],
    }
    return Apis(made["HttpId"], made["RestId"], made["RestDirectId"], urls)


def _callers(run: Run) -> None:
    policies: dict[str, Any] = {
        caller: json.loads(run.product.printed("policy", "caller", "--caller", caller)) for caller in CALLERS
    }
    policies[STRANGER] = policies["whole"]
    policies["silent"] = None
    caller = run.accounts.caller
    _stack(run, "caller", "callers", templates.callers(run.id, caller.id, caller.partition, caller.user_id, policies))


def _rendered(run: Run, stage: str) -> None:
    """A stage's stack, as `render` prints it."""
    text = run.product.printed("render", "cloudformation", "--stage", stage)
    (run.product.folder / f"{stage}.json").write_text(text)
    for attempt in range(1, PRINCIPAL_TRIES + 1):
        try:
            _stack(run, "provider", stage, json.loads(text))
            return
        except StackFailed as failed:
            if attempt == PRINCIPAL_TRIES or "principal" not in failed.reason.lower():
                raise
            run.say(f"{failed.reason}: tried again, because IAM may not have heard of the role yet")
            stacks.delete(run.accounts.provider, name(run.id, stage), run.id, run.pause)
            run.pause(10)


def _resource_policy(run: Run, stage: str, api: str) -> None:
    """A REST API's policy, set as `policy resource` says it is."""
    text = run.product.printed("policy", "resource", "--stage", stage)
    (run.product.folder / f"{stage}.json").write_text(text)
    run.say(f"setting the policy of the REST API {api}")
    with closing(run.accounts.provider.client("apigateway")) as gateway:
        for attempt in range(1, PRINCIPAL_TRIES + 1):
            try:
                gateway.update_rest_api(
                    restApiId=api, patchOperations=[{"op": "replace", "path": "/policy", "value": text}]
                )
                break
            except gateway.exceptions.BadRequestException:
                if attempt == PRINCIPAL_TRIES:
                    raise
                run.pause(10)
        gateway.create_deployment(restApiId=api, stageName="v1")


def compare(run: Run, apis: Apis) -> None:
    """What the accounts say is deployed, by `xacct-sign diff`: the same for every stage."""
    run.say("comparing what is deployed with the manifest")
    with closing(run.accounts.provider.client("iam")) as iam:
        pages = iam.get_paginator("get_account_authorization_details").paginate(Filter=["Role"])
        found = [role for page in pages for role in page["RoleDetailList"] if role["Path"] == PATH]
    roles = [role for role in found if role["RoleName"].startswith(f"XacctLive{run.id}")]
    with closing(run.accounts.provider.client("apigateway")) as gateway:
        rest = gateway.get_rest_api(restApiId=apis.rest_direct)
        rest.pop("ResponseMetadata")
    with closing(run.accounts.provider.client("lambda")) as function:
        url = json.loads(function.get_policy(FunctionName=name(run.id, "direct"))["Policy"])
    for stage in STAGES:
        deployed: Any = {"rest-direct": rest, "url-direct": url}.get(stage) or {"RoleDetailList": roles}
        shown = run.product.folder / f"{stage}.deployed.json"
        shown.write_text(json.dumps(deployed, default=str))
        done = run.product.answer("diff", "--stage", stage, "--deployed", str(shown))
        if done.returncode:
            raise Failure(
                f"stage `{stage}` is not deployed as it was rendered: {(done.stdout + done.stderr).strip()}",
                f"{shown} is what AWS shows",
            )


def terms(run: Run, caller: str) -> dict[str, str]:
    """What a caller has to send along."""
    return {"external_id": external_id(run.id), "session_name": f"partner-{run.id}"} if caller == "partner" else {}
