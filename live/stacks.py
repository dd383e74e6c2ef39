"""CloudFormation stacks: made, and removed if they are the run's."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from contextlib import closing
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, WaiterError  # type: ignore[import-untyped]

from live.accounts import Account
from live.failure import Failure
from live.manifest import TAG

Say = Callable[[str], None]
Pause = Callable[[float], None]

WAIT = {"Delay": 5, "MaxAttempts": 240}
"""Twenty minutes. A stack takes two or three; API Gateway deletes one REST API in half a minute, and no more."""


def create(account: Account, name: str, run: str, template: dict[str, Any]) -> dict[str, str]:
    """Makes a stack, waits until it is there, and gives its outputs. It is in the journal already."""
    with closing(account.client("cloudformation")) as cloudformation:
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Tags=[{"Key": TAG, "Value": run}],
            TimeoutInMinutes=15,
            # It is deleted anyway, and can be at once.
            OnFailure="DO_NOTHING",
            # An answer that is lost is asked for again, and is not another stack of that name then.
            ClientRequestToken=secrets.token_hex(16),
        )
        try:
            cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=WAIT)
        except WaiterError as error:
            raise StackFailed(name, account.id, _reason(cloudformation, name, "CREATE_FAILED") or str(error)) from None
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


class StackFailed(Failure):
    """CloudFormation could not make a stack."""

    def __init__(self, name: str, account: str, reason: str) -> None:
        """With the reason of the first resource that failed."""
        super().__init__(
            f"the stack `{name}` of {account} was not made: {reason}", "docs/live.md says what a run may do"
        )
        self.reason = reason


def _reason(cloudformation: Any, name: str, status: str) -> str:
    """Why the first of its resources failed; others were cancelled for it."""
    try:
        pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
        events = [event for page in pages for event in page["StackEvents"]]
    except (BotoCoreError, ClientError):
        return ""
    failed = [event for event in events if event["ResourceStatus"] == status]
    # The newest comes first.
    return failed[-1].get("ResourceStatusReason", "") if failed else ""


def delete(account: Account, name: str, run: str, pause: Pause) -> bool:
    """Removes a stack and waits until it is gone; whether there was one. One that the run did not make stays."""
    with closing(account.client("cloudformation")) as cloudformation:
        stack = _found(cloudformation, name, run)
        if stack is None:
            return False
        # By its id, which stays its own after its name is free.
        arn = stack["StackId"]
        for attempt in (1, 2):
            cloudformation.delete_stack(StackName=arn)
            if _is_gone(cloudformation, arn, pause):
                return True
            if attempt == 1:
                # What hung on something that is gone by now.
                pause(WAIT["Delay"])
        reason = _reason(cloudformation, arn, "DELETE_FAILED") or "CloudFormation does not say why"
    raise Failure(f"the stack `{name}` of {account.id} was not deleted: {reason}", "`make live-undo` tries it again")


def _is_gone(cloudformation: Any, arn: str, pause: Pause) -> bool:
    """Waits for it. botocore's waiter gives up on a stack that could not be made before its removal has begun."""
    for _ in range(WAIT["MaxAttempts"]):
        status = cloudformation.describe_stacks(StackName=arn)["Stacks"][0]["StackStatus"]
        if status in ("DELETE_COMPLETE", "DELETE_FAILED"):
            return bool(status == "DELETE_COMPLETE")
        pause(WAIT["Delay"])
    return False


def _found(cloudformation: Any, name: str, run: str) -> dict[str, Any] | None:
    """The run's stack of that name. The name alone does not make it the run's."""
    try:
        stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        # CloudFormation has no code of its own for it.
        if error.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    return next((stack for stack in stacks if {"Key": TAG, "Value": run} in stack["Tags"]), None)
