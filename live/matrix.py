"""The calls that are allowed and those that are refused, on every kind of API. What is expected is what `can` says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import xacct_sign

from live.calls import (
    Face,
    Outcome,
    Request,
    Way,
    by_botocore,
    by_command,
    by_session,
    changed_after_signing,
    past_the_url,
    unsigned,
)
from live.manifest import BY_ROLE, CALLERS, STAGES, STRANGER
from live.product import Product
from live.stacks import Pause, Say

ODD = Request("GET", "/odd/a%20b%40c", "?b=2&a=%2A%20x")
"""Every kind of API has its own way to read a path before it checks the signature."""

REQUESTS = (
    Request("GET", "/items"),
    Request("GET", "/items/7/secret"),
    Request("PUT", "/hoge", body=b'{"foo":"bar"}'),
    ODD,
)

TRIES = 60
"""How often all allowed calls together are tried again: the documents hold some seconds after they were deployed."""
PAUSE_SECONDS = 5


@dataclass(frozen=True)
class World:
    """Where the manifest's stages are and who calls: AWS, or an emulator."""

    region: str
    urls: Mapping[str, str]
    credentials: Mapping[str, xacct_sign.Credentials]
    terms: Mapping[str, Mapping[str, str]]
    functions: Mapping[str, str]
    """Of each function URL, what Lambda's own API calls it."""
    tells_service: bool = True


@dataclass(frozen=True)
class Row:
    """One call, and what has to come of it: it is `allowed`, or refused by `sts` or by the `api`."""

    stage: str
    caller: str
    what: str
    request: Request
    face: Face
    way: Way
    expected: str
    seen_as: str
    """What stands in the ARN by which the API saw who called."""

    def __str__(self) -> str:
        """As it is listed."""
        return f"{self.stage:<12} {self.caller:<9} {self.request!s:<35} {self.what:<28}"


class Matrix:
    """Rows for a manifest in a world."""

    def __init__(self, product: Product, world: World) -> None:
        """The product says what is expected."""
        self._product = product
        self._world = world
        self._rows = product.rows()
        self._faces = {
            "xacct_sign.Session": by_session,
            "xacct-sign call": by_command(product.command),
            "botocore": by_botocore,
        }

    def rows(self) -> Iterator[Row]:
        """Each of them."""
        for stage in STAGES:
            for caller in CALLERS:
                if caller != "silent":
                    yield from self._ordinary(stage, caller)
            yield from self._refused(stage)

    def _ordinary(self, stage: str, caller: str) -> Iterator[Row]:
        for request in REQUESTS:
            expected = self._expected(stage, caller, request)
            for what, face in self._faces.items():
                yield self._row(stage, caller, what, request, face, self._way(stage, caller), expected)

    def _refused(self, stage: str) -> Iterator[Row]:
        """What no document has to say, because it is so for every API."""
        first, put = REQUESTS[0], REQUESTS[2]
        at_the_door = "sts" if stage in BY_ROLE else "api"
        for caller, what in (("silent", "its own account is silent"), (STRANGER, "no document names it")):
            yield self._row(stage, caller, what, first, by_session, self._way(stage, caller), at_the_door)
        way = self._way(stage, "whole")
        yield self._row(stage, "nobody", "not signed", first, unsigned, way, "api")
        yield self._row(stage, "whole", "changed after signing", put, changed_after_signing, way, "api")
        other = self._role("rest" if stage == "http" else "http", "whole")
        wrong = way.changed(role=other)
        yield self._row(stage, "whole", "as another stage's role", first, by_session, wrong, "api")
        if function := self._world.functions.get(stage):
            yield self._row(stage, "whole", "past the URL", first, past_the_url(function), way, "api")
        if stage in BY_ROLE:
            way = self._way(stage, "partner")
            yield self._row(
                stage, "partner", "without its external id", first, by_session, way.changed(external_id=None), "sts"
            )
            yield self._row(
                stage, "partner", "by another session name", first, by_session, way.changed(session_name="other"), "sts"
            )

    def _row(self, stage: str, caller: str, what: str, request: Request, face: Face, way: Way, expected: str) -> Row:
        seen_as = f"-{caller}/"
        if way.role:
            # The ARN of a role's session has no path.
            account, named = way.role.split(":")[4], way.role.rsplit("/", 1)[1]
            seen_as = f":sts::{account}:assumed-role/{named}/{way.session_name}"
        return Row(stage, caller, what, request, face, way, expected, seen_as)

    def _expected(self, stage: str, caller: str, request: Request) -> str:
        if self._product.can(caller, stage, str(request)):
            return "allowed"
        # A role that does not trust the caller refuses before the API is asked.
        return "sts" if stage in BY_ROLE and (caller, stage) not in self._rows else "api"

    def _role(self, stage: str, caller: str) -> str | None:
        """The role that a caller has on a stage; whoever has none tries that of `whole`."""
        row = self._rows.get((caller, stage)) or self._rows[("whole", stage)]
        role = row["role"]
        return None if role is None else str(role)

    def _way(self, stage: str, caller: str) -> Way:
        world = self._world
        terms = world.terms.get(caller, {}) if stage in BY_ROLE else {}
        return Way(
            url=world.urls[stage],
            region=world.region,
            service="lambda" if stage.startswith("url") else "execute-api",
            base=world.credentials[caller],
            role=self._role(stage, caller),
            tells_service=world.tells_service,
            **terms,
        )


def holds(row: Row, outcome: Outcome) -> bool:
    """Whether a call ended as it should."""
    if row.expected != "allowed":
        return (outcome.by, outcome.status) == (row.expected, 403)
    if (outcome.by, outcome.status) != ("api", 200):
        return False
    try:
        seen = json.loads(outcome.text)
        context = seen["requestContext"]
        # A REST API has it in another place than the others.
        user = context["identity"]["userArn"] if "identity" in context else context["authorizer"]["iam"]["userArn"]
        body = json.loads(seen["body"]) if seen["body"] else None
        # Some kinds of API show it as it was sent, others with its escapes read.
        path = unquote(seen["path"])
    except (ValueError, KeyError, TypeError):
        # That is not what stands behind the API.
        return False
    sent = json.loads(row.request.body) if row.request.body else None
    meant = (row.request.method, unquote(row.request.path), sent)
    return (seen["method"], path, body) == meant and row.seen_as in user


def run(rows: Iterator[Row], say: Say, pause: Pause) -> list[Row]:
    """Makes the calls and gives the wrong ones: first all that are allowed, until the documents hold."""
    every = list(rows)
    allowed = [row for row in every if row.expected == "allowed"]
    refused = [row for row in every if row.expected != "allowed"]
    left = TRIES
    wrong = []
    for row in [*allowed, *refused]:
        outcome = row.face(row.way, row.request)
        while not holds(row, outcome) and left and (row.expected == "allowed" or outcome.by == "nobody"):
            left -= 1
            pause(PAUSE_SECONDS)
            outcome = row.face(row.way, row.request)
        verdict = "ok   " if holds(row, outcome) else "WRONG"
        say(f"{verdict} {row} {_told(row, outcome)}")
        if not holds(row, outcome):
            wrong.append(row)
            say(f"      expected: {row.expected}; the answer: {shown(outcome.text)}")
    right = len(every) - len(wrong)
    say(f"{right} of {len(every)} calls ended as they should: {len(allowed)} allowed, {len(refused)} refused")
    return wrong


def shown(answer: str) -> str:
    """The beginning of an answer. A REST API repeats the canonical request, which holds the session token."""
    return re.sub(r"(?i)(x-amz-security-token:)[\w+/=%-]+", r"\1...", answer.strip())[:1000]


def _told(row: Row, outcome: Outcome) -> str:
    who = {"sts": "STS", "api": "the API", "nobody": "nobody"}[outcome.by]
    return f"{who} answered {outcome.status}" if outcome.status else f"{who} answered"
