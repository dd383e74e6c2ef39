"""A manifest from roles that are deployed on moto: what boto3 reads of them is what the AWS CLI prints."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore.session
import botocore.validate
import pytest
import requests
import tomllib
from emulator import cli
from moto_stacks import keep_policies_as_text
from providing import EVERYTHING, SHOP, STAGES, Provider, client

# The account in which moto has every role.
MOTOS = "123456789012"

# All that a role can have beside its policies.
SETTINGS = EVERYTHING.replace(
    "[api]",
    '[api]\npath = "/apis/shop/"\npermissions_boundary = "arn:aws:iam::111111111111:policy/Limits"\n'
    'tags = { team = "shop" }\nmax_session_duration = 7200\n'
    'accept = { duration_beyond_chaining = "callers are users" }',
)


# Several callers with routes of their own on one stage, and what one of them shares with those that have every route.
ROUTED = (
    SHOP
    + """
[callers.reader]
account = "222222222222"
roles = { stag = "Reader", prod = ["Reader", "Batch"] }
routes = ["GET /items", "GET /items/{id}", "HEAD /items/{id}"]
accept = { wildcard_spans_segments = "the API has no deeper routes" }
[callers.writer]
account = "222222222222"
roles = { stag = "service-role/Writer" }
session_names = ["writer-*"]
routes = ["PUT /hoge", "ANY /orders/{proxy+}"]
[callers.both]
account = "333333333333"
roles = { stag = "Reader" }
trust = "account"
external_id = "b3c7"
session_names = ["both"]
routes = ["GET /", "ANY /*"]
"""
)

MANIFESTS = {"shop": SHOP, "everything": EVERYTHING, "settings": SETTINGS, "routed": ROUTED}


def by_cloudformation(provider: Provider, url: str) -> None:
    with contextlib.closing(client(url, "cloudformation")) as cloudformation:
        for stage in STAGES:
            text = provider.template(stage).read_text()
            cloudformation.create_stack(StackName=stage, TemplateBody=text, Capabilities=["CAPABILITY_NAMED_IAM"])


def by_terraform(provider: Provider, url: str) -> None:
    for stage in STAGES:
        resource = provider.render("terraform", stage)["resource"]
        for label, role in resource["aws_iam_role"].items():
            create(url, role, role["assume_role_policy"], resource["aws_iam_role_policy"][label]["policy"])


def by_json(provider: Provider, url: str) -> None:
    for stage in STAGES:
        for role in provider.render("json", stage)["roles"]:
            create(url, role, json.dumps(role["trust_policy"]), json.dumps(role["invoke_policy"]))


def create(url: str, role: dict[str, Any], trust: str, invoke: str) -> None:
    """A role, as Terraform and the JSON describe it alike but for its documents."""
    boundary = {"PermissionsBoundary": role["permissions_boundary"]} if "permissions_boundary" in role else {}
    with contextlib.closing(client(url, "iam")) as iam:
        iam.create_role(
            RoleName=role["name"],
            Path=role["path"],
            MaxSessionDuration=role["max_session_duration"],
            AssumeRolePolicyDocument=trust,
            Tags=[{"Key": key, "Value": value} for key, value in role.get("tags", {}).items()],
            **boundary,
        )
        iam.put_role_policy(RoleName=role["name"], PolicyName="InvokeApi", PolicyDocument=invoke)


FORMS = {"cloudformation": by_cloudformation, "terraform": by_terraform, "json": by_json}


@pytest.fixture(scope="module", params=itertools.product(FORMS, MANIFESTS), ids="-".join)
def imported(request: pytest.FixtureRequest, moto: str, tmp_path_factory: pytest.TempPathFactory) -> Provider:
    """A folder with a manifest that is deployed in a form, `deployed.json` of what is there, and `new.toml` of that."""
    form, manifest = request.param
    requests.post(f"{moto}/moto-api/reset", timeout=10).raise_for_status()
    provider = Provider(tmp_path_factory.mktemp("imported"), MANIFESTS[manifest])
    with pytest.MonkeyPatch.context() as patch, contextlib.closing(client(moto, "iam")) as iam:
        keep_policies_as_text(patch)
        FORMS[form](provider, moto)
        lambdas = {"Version": "2012-10-17", "Statement": []}
        iam.create_role(RoleName="NoApi", AssumeRolePolicyDocument=json.dumps(lambdas))
        pages = iam.get_paginator("get_account_authorization_details").paginate(Filter=["Role"])
        details = {"RoleDetailList": [role for page in pages for role in page["RoleDetailList"]]}
    # As they are in the API's account: a role of another one that invokes it is a caller's.
    deployed = json.dumps(details, default=str).replace(f":{MOTOS}:role/", ":111111111111:role/")
    (provider.folder / "deployed.json").write_text(deployed)
    provider.run("init", "--from", "deployed.json", "--manifest", "new.toml")
    return provider


def test_what_is_deployed_becomes_a_manifest_that_is_no_difference(imported: Provider) -> None:
    made, meant = Rights(imported, "new.toml").rows, Rights(imported, "xacct.toml").rows
    assert sorted(row["role"] for row in made) == sorted(row["role"] for row in meant)
    assert sorted(json.dumps(row["terms"]) for row in made) == sorted(json.dumps(row["terms"]) for row in meant)
    compared = 0
    for stage in {row["stage"] for row in made}:
        said = imported.run("diff", "--manifest", "new.toml", "--stage", stage, "--deployed", "deployed.json")
        # IAM leaves the duration out of this, and the APIs' own policies are not IAM's.
        unsaid = ("? the file does not say: maximum session duration", "? the file does not say: resource policy of `")
        lines = [line for line in said.splitlines() if not line.startswith(unsaid)]
        assert all(line.endswith(": no difference in what the file says") for line in lines), lines
        compared += len(lines)
    assert compared == len({row["role"] for row in meant})


class Rights:
    """What a manifest grants, as the command says it: by role, since stages and callers may have other names."""

    def __init__(self, provider: Provider, manifest: str) -> None:
        self._provider, self._manifest = provider, ("--manifest", manifest)
        self.rows = json.loads(provider.run("list", "--json", *self._manifest))
        self.callers = tomllib.loads((provider.folder / manifest).read_text())["callers"].values()

    def _ask(self, *arguments: str) -> list[str]:
        """The lines of the answer, also where it is no."""
        command = [cli(), *arguments, *self._manifest]
        done = subprocess.run(command, cwd=self._provider.folder, capture_output=True, text=True)
        # Nobody has the document of a boundary here, which is said of a yes.
        said = [line for line in done.stderr.splitlines() if "is not known here and limits nobody" not in line]
        assert (done.returncode in (0, 1), said) == (True, [])
        return done.stdout.splitlines()

    def can(self, role: str, call: str) -> str:
        """Whether who has a role may make a call: one of its callers is asked, since its policy is theirs."""
        row = next(row for row in self.rows if row["role"] == role)
        return self._ask("can", row["caller"], row["stage"], call)[0]

    def who(self, arn: str) -> set[tuple[str, str, bool]]:
        """By which roles somebody comes in, on which terms, and whether that is only possible."""
        known = [line.partition(" (possible") for line in self._ask("who", arn)]
        is_possible = {}
        for told, possible, _ in known:
            caller, _, stages = told.partition(": ")
            is_possible |= {(caller, stage): bool(possible) for stage in stages.split(", ")}
        rows = [row for row in self.rows if (row["caller"], row["stage"]) in is_possible]
        assert len(rows) == len(is_possible.keys() - {("nobody", "")})
        return {
            (row["role"], json.dumps(row["terms"], sort_keys=True), is_possible[row["caller"], row["stage"]])
            for row in rows
        }

    def routes(self, role: str) -> set[str]:
        return {route for row in self.rows if row["role"] == role for route in row["routes"] or []}

    def session_names(self, role: str) -> set[str]:
        return {name for row in self.rows if row["role"] == role for name in row["terms"].get("session_names", [])}

    def principals(self) -> set[tuple[str, str]]:
        """Accounts, and the names of their roles."""
        found = {}
        for caller in self.callers:
            for roles in caller.get("roles", {}).values():
                for role in [roles] if isinstance(roles, str) else roles:
                    found.setdefault(role, set()).add(caller["account"])
        # Of the many customers, whose roles have one name, three.
        return {(account, role) for role, accounts in found.items() for account in sorted(accounts)[:3]}


METHODS = ("GET", "PUT", "HEAD", "DELETE", "POST")
SEGMENTS = ("7", "items", "a.b", "~x", "a%20b", "secret", "a:b@c", "$default")


def calls(routes: set[str]) -> set[str]:
    """What the routes open, and what lies beside it."""
    drawn = random.Random(0)

    def segments(most: int) -> str:
        return "/".join(drawn.choices(SEGMENTS, k=drawn.randint(1, most)))

    found = set()
    for method, path in (route.split(" ") for route in [*sorted(routes), "ANY /{proxy+}"]):
        filled = re.sub(r"\{\w+\+\}|\*$", lambda _: segments(3), path)
        filled = re.sub(r"\{\w+\}", lambda _: segments(1), filled)
        asked = drawn.choice(METHODS) if method == "ANY" else method
        above = filled.rpartition("/")[0] or "/"
        found |= {f"{asked} {each}" for each in (filled, f"{filled}x", f"{filled}/{segments(1)}", above)}
        found |= {f"{other} {filled}" for other in drawn.sample(METHODS, 2)}
    return found


def somebody(principals: set[tuple[str, str]]) -> set[str]:
    """The roles that are named, and such that are called like them."""
    found = set()
    for account, role in principals:
        name = role.replace("*", "Any")
        near = ((account, name), (account, f"{name}x"), (account, f"other/{name}"), ("999999999999", name))
        arns = [f"arn:aws:iam::{of}:role/{called}" for of, called in near]
        found |= {*arns, session(arns[0], "me")}
    return found


def session(role: str, name: str) -> str:
    """The ARN of a session, which has not the role's path."""
    account, called = role.split(":")[4], role.rpartition("/")[2]
    return f"arn:aws:sts::{account}:assumed-role/{called}/{name}"


def test_a_manifest_of_what_is_deployed_gives_the_rights_back(imported: Provider) -> None:
    made, meant = Rights(imported, "new.toml"), Rights(imported, "xacct.toml")
    roles = sorted({row["role"] for row in meant.rows})
    routes = {role: made.routes(role) | meant.routes(role) for role in roles}
    people = somebody(made.principals() | meant.principals())
    for role in roles:
        names = {re.sub(r"[*?]", "7", name) for name in made.session_names(role) | meant.session_names(role)}
        people |= {role} | {session(role, name) for name in names | {"another"}}
    questions = [("can", role, call) for role in roles for call in sorted(calls(routes[role]))]
    questions += [("who", arn) for arn in sorted(people)]

    def answer(rights: Rights, kind: str, *about: str) -> Any:
        return getattr(rights, kind)(*about)

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda question: (answer(made, *question), answer(meant, *question)), questions))
    assert [(question, *each) for question, each in zip(questions, told, strict=True) if each[0] != each[1]] == []
    # Both answers were given; somebody was known, and somebody was not.
    known = [each for _, each in told]
    assert "yes" in known
    assert not any(routes.values()) or "no" in known
    assert set() in known
    assert any(isinstance(each, set) and each for each in known)


@pytest.mark.parametrize("text", [SHOP, EVERYTHING], ids=["shop", "everything"])
def test_the_resources_to_import_are_those_of_botocores_model(text: str, tmp_path: Path) -> None:
    provider = Provider(tmp_path, text)
    model = botocore.session.get_session().get_service_model("cloudformation").operation_model("CreateChangeSet")
    for stage in STAGES:
        template = provider.render("cloudformation", stage)
        listed = json.loads(provider.run("render", "cloudformation", "--stage", stage, "--import"))
        parameters = {
            "StackName": "roles",
            "ChangeSetName": "import",
            "ChangeSetType": "IMPORT",
            "TemplateBody": json.dumps(template),
            "ResourcesToImport": listed,
        }
        report = botocore.validate.ParamValidator().validate(parameters, model.input_shape)
        assert not report.has_errors(), report.generate_report()
        assert {one["LogicalResourceId"] for one in listed} == set(template["Resources"])
        wrong = [{**one, "ResourceIdentifier": "x"} for one in listed]
        report = botocore.validate.ParamValidator().validate(
            {**parameters, "ResourcesToImport": wrong}, model.input_shape
        )
        assert report.has_errors()
