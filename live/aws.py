"""The world that was deployed, for the matrix."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import xacct_sign
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from live import matrix
from live.deploy import Run, terms
from live.failure import Failure
from live.manifest import CALLERS, PATH, STRANGER, Apis, name
from live.matrix import PAUSE_SECONDS, Matrix, World

TRIES = 24
"""How often a caller's role that was just made is asked for."""


def world(run: Run, apis: Apis) -> World:
    """Where AWS serves the stages, and sessions of the callers' roles."""
    region, account = run.region, run.accounts.provider
    functions = f"arn:{account.partition}:lambda:{region}:{account.id}:function:"
    return World(
        region=region,
        urls=apis.urls,
        credentials={caller: _credentials(run, caller) for caller in [*CALLERS, STRANGER]},
        terms={caller: terms(run, caller) for caller in CALLERS},
        functions={
            "url": f"{functions}{name(run.id, 'alias')}:live",
            "url-direct": f"{functions}{name(run.id, 'direct')}",
        },
    )


def calls(run: Run, apis: Apis) -> bool:
    """The matrix, against AWS: whether every call ended as it should."""
    return not matrix.run(Matrix(run.product, world(run, apis)).rows(), run.say, run.pause)


def _credentials(run: Run, caller: str) -> xacct_sign.Credentials:
    """A session of a caller's own role, as its Lambda function would have."""
    account = run.accounts.caller
    arn = f"arn:{account.partition}:iam::{account.id}:role{PATH}{name(run.id, caller)}"
    with closing(account.client("sts")) as sts:
        for attempt in range(1, TRIES + 1):
            try:
                given: dict[str, Any] = sts.assume_role(RoleArn=arn, RoleSessionName="xacct-live")["Credentials"]
                break
            except ClientError as error:
                if attempt == TRIES:
                    raise Failure(
                        f"the caller's own role cannot be assumed: {error}",
                        f"the profile `{account.profile}` needs sts:AssumeRole on roles with the path {PATH}",
                    ) from None
                run.pause(PAUSE_SECONDS)
    return xacct_sign.Credentials(
        given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], given["Expiration"]
    )
