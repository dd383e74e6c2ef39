"""`xacct-sign doctor` against each kind of API, broken in one place: as AWS refuses, and with reasons."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from doctoring import (
    Passing,
    Told,
    Way,
    doctor,
    drop_date,
    drop_signature,
    drop_token,
    environment_of,
    policy_file,
    set_bearer,
    set_body,
)
from emulator import FRONTS, Emulator, cli
from helpers import serve

SERVICES = {"http": "execute-api", "rest": "execute-api", "restd": "execute-api", "url": "lambda", "urld": "lambda"}
"""The service of each stage; those that end in `d` are direct."""
OTHER = {"execute-api": "lambda", "lambda": "execute-api"}
Policy = dict[str, Any]


def arguments_for(emulator: Emulator, stage: str, *, service: str | None = None) -> list[str]:
    role = [] if stage.endswith("d") else ["--role", emulator.role_arn(stage=stage)]
    return ["--service", service or SERVICES[stage], *role]


def told_of(emulator: Emulator, stage: str, *more: str) -> Told:
    environment = environment_of(emulator, stage=stage)
    return doctor(environment, emulator.url("/hoge", stage), *arguments_for(emulator, stage), *more)


@pytest.mark.parametrize("stage", SERVICES)
def test_nothing_is_broken(start: Callable[..., Emulator], stage: str) -> None:
    told = told_of(start(manifest=FRONTS), stage)
    assert told.codes == []
    assert "unsigned     ok      without a signature the answer is 403" in told.text


@pytest.mark.parametrize("stage", SERVICES)
def test_the_scope_says_another_service(start: Callable[..., Emulator], explains: bool, stage: str) -> None:
    emulator = start(manifest=FRONTS)
    own, other = SERVICES[stage], OTHER[SERVICES[stage]]
    arguments = arguments_for(emulator, stage, service=other)
    told = doctor(environment_of(emulator, stage=stage), emulator.url("/hoge", stage), *arguments)
    # An HTTP API says nothing.
    is_said = explains or stage != "http"
    assert told.codes == (["service_wrong"] if is_said else ["forbidden"])
    finding = told.findings[0]
    if is_said:
        assert finding["side"] == "caller"
        assert other in finding["reason"]
        assert f"sign for {own}" in finding["hint"]
    else:
        assert f"signed for `{other}`" in finding["hint"]


def within_the_stage(passing: Passing) -> None:
    passing.target = passing.target.replace("/hoge", "/behind/hoge")


@pytest.mark.parametrize("stage", SERVICES)
@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (drop_token, {"header_dropped", "token_wrong"}),
        (drop_signature, {"header_dropped"}),
        (drop_date, {"header_dropped", "header_changed"}),
        (set_bearer, {"header_dropped", "header_changed"}),
        (set_body, {"body_changed"}),
        (within_the_stage, {"path_changed", "signature_mismatch", "forbidden"}),
    ],
)
def test_what_is_changed_on_the_way_is_the_networks(
    start: Callable[..., Emulator], explains: bool, stage: str, change: Callable[[Passing], None], codes: set[str]
) -> None:
    emulator = start(manifest=FRONTS)
    url = urlsplit(emulator.url("/hoge", stage))
    with serve(Way(f"http://{url.netloc}", change)) as way:
        arguments = arguments_for(emulator, stage)
        environment = environment_of(emulator, stage=stage)
        told = doctor(environment, f"{way.url}{url.path}", "-X", "PUT", "-d", '{"a":1}', *arguments)
    [finding] = told.findings
    assert finding["code"] in codes
    # A path that was changed is told by REST APIs to the line, and by HTTP APIs not at all.
    if change is within_the_stage:
        expected = {"http": "signature_mismatch" if explains else "forbidden", "rest": "path_changed"}
        assert finding["code"] == expected.get(stage.removesuffix("d"), "signature_mismatch")
    assert finding["side"] == ("provider" if finding["code"] == "forbidden" else "network")


def rendered(stage: str) -> Policy:
    """The resource policy of a stage."""
    command = [str(cli()), "policy", "resource", "--manifest", str(FRONTS), "--stage", stage]
    policy: Policy = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return policy


def of_somebody_else(policy: Policy) -> Policy:
    other = {"AWS": "arn:aws:iam::222222222222:root"}
    return {**policy, "Statement": [{**statement, "Principal": other} for statement in policy["Statement"]]}


def with_a_deny(policy: Policy) -> Policy:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
    return {**policy, "Statement": [*policy["Statement"], deny]}


def of_the_first_action(policy: Policy) -> Policy:
    return {**policy, "Statement": policy["Statement"][:1]}


def of_latest(policy: Policy) -> Policy:
    changed: Policy = json.loads(json.dumps(policy).replace(":live", ""))
    return changed


@pytest.mark.parametrize(
    ("stage", "change", "hint"),
    [
        ("restd", of_somebody_else, "name the caller"),
        ("restd", with_a_deny, "removed or narrowed"),
        ("urld", of_somebody_else, "both actions"),
        ("urld", with_a_deny, "removed or narrowed"),
        ("urld", of_the_first_action, "the second of the two actions is missing"),
        ("urld", of_latest, "the URL hangs on the alias `live`, and the policy stands on something else"),
    ],
)
def test_the_resource_policy(
    start: Callable[..., Emulator], explains: bool, stage: str, change: Callable[[Policy], Policy], hint: str
) -> None:
    with policy_file(change(rendered(stage))) as file:
        emulator = start("--resource-policy", f"{stage}={file}", manifest=FRONTS)
    told = told_of(emulator, stage)
    [finding] = told.findings
    if stage == "restd" or explains:
        assert (finding["code"], finding["side"]) == ("resource_policy", "provider")
        assert hint in finding["hint"]
    else:
        # A function URL says the same of all of them, so all of them are to be looked at.
        assert (finding["code"], finding["side"]) == ("forbidden", "caller")
        for part in ("both actions", "both sides", "$LATEST", "an alias"):
            assert part in finding["hint"]


def test_another_vpc_endpoint(start: Callable[..., Emulator], explains: bool, tmp_path: Path) -> None:
    own, other = "vpce-0a1b2c3d4e5f60718", "vpce-0f1e2d3c4b5a69788"
    manifest = tmp_path / "xacct.toml"
    manifest.write_text(FRONTS.read_text().replace("[stages.restd]", f'[stages.restd]\nvpc_endpoints = ["{own}"]'))
    assert told_of(start(manifest=manifest), "restd").codes == []
    [finding] = told_of(start("--vpc-endpoint", f"restd={other}", manifest=manifest), "restd").findings
    assert (finding["code"], finding["side"]) == ("resource_policy", "provider")
    if explains:
        assert "call it by a VPC endpoint that its policy names" in finding["hint"]


@pytest.mark.parametrize("stage", ["restd", "urld"])
def test_the_callers_own_side(start: Callable[..., Emulator], explains: bool, stage: str) -> None:
    policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    with policy_file(policy) as file:
        emulator = start("--caller-policy", f"shop={file}", manifest=FRONTS)
    [finding] = told_of(emulator, stage).findings
    is_said = explains or stage == "restd"
    assert (finding["code"], finding["side"]) == ("caller_policy" if is_said else "forbidden", "caller")
    if not explains:
        assert "both sides" in finding["hint"]


@pytest.mark.parametrize("stage", ["http", "rest", "url"])
def test_a_caller_that_forgets_the_role(start: Callable[..., Emulator], explains: bool, stage: str) -> None:
    emulator = start(manifest=FRONTS)
    environment = environment_of(emulator, stage=stage)
    told = doctor(environment, emulator.url("/hoge", stage), "--service", SERVICES[stage])
    [finding] = told.findings
    plain = "resource_policy" if stage == "rest" else "forbidden"
    assert finding["code"] == ("wrong_account" if explains else plain)
    assert "role that the provider has" in finding["hint"] or "give the provider's role" in finding["hint"]


def test_a_function_url_whose_auth_type_is_none(emulator: Emulator) -> None:
    with serve() as url:
        role = ("--service", "lambda", "--role", emulator.role_arn())
        told = doctor(environment_of(emulator), url.url, *role)
    assert told.codes == ["open_to_all"]
    assert "AuthType" in told.findings[0]["hint"]
