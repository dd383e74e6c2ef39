"""The documents for callers without a role, judged by other people's tools: cfn-lint, moto, parliament, boto3."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import requests
from botocore.validate import ParamValidator
from providing import CFN_LINT, DIRECT, TARGETS, Provider, client, findings


@pytest.fixture
def direct(tmp_path: Path) -> Provider:
    """A REST API and two function URLs that are called directly."""
    return Provider(tmp_path, DIRECT)


def resource_policy(provider: Provider, stage: str) -> dict[str, Any]:
    policy: dict[str, Any] = json.loads(provider.run("policy", "resource", "--stage", stage))
    assert provider.render("json", stage)["resource_policy"] == policy
    return policy


def test_cfn_lint_has_nothing_to_say_of_permissions(direct: Provider) -> None:
    for stage, wrong in (("url", '"FunctionUrlAuthType": "AWS"'), ("whole", '"ResourceArn": 1')):
        template = direct.template(stage)
        done = subprocess.run([*CFN_LINT, str(template)], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
        # It would say something.
        text = template.read_text()
        key = wrong.partition(":")[0]
        template.write_text(re.sub(rf"{key}: \"[^\"]*\"", wrong, text, count=1))
        assert template.read_text() != text
        assert subprocess.run([*CFN_LINT, str(template)], capture_output=True).returncode != 0


@pytest.fixture
def private(tmp_path: Path) -> Provider:
    """A private REST API, whose callers assume roles."""
    folder = tmp_path / "private"
    folder.mkdir()
    return Provider(folder, TARGETS)


def test_parliament_finds_nothing_in_resource_policies(direct: Provider, private: Provider) -> None:
    for provider, stage in ((direct, "rest"), (direct, "url"), (direct, "whole"), (private, "stag")):
        policy = resource_policy(provider, stage)
        for statement in policy["Statement"]:
            # It knows no resource policies.
            del statement["Principal"]
            # The statement ids of Lambda's permissions may have hyphens.
            statement.pop("Sid", None)
        assert findings(policy) == []
    for caller in ("shop", "partner", "everybody"):
        printed = json.loads(direct.run("policy", "caller", "--caller", caller))
        for policy in [printed] if "Statement" in printed else printed.values():
            assert findings(policy) == []


def as_lambda_writes(statement: dict[str, Any]) -> dict[str, Any]:
    """moto keeps principals and the parameters for conditions as they were given; its account is its own."""
    condition = statement.setdefault("Condition", {})
    if "FunctionUrlAuthType" in statement:
        auth_type = statement.pop("FunctionUrlAuthType")
        condition.setdefault("StringEquals", {})["lambda:FunctionUrlAuthType"] = auth_type
    if statement.pop("InvokedViaFunctionUrl", False):
        condition.setdefault("Bool", {})["lambda:InvokedViaFunctionUrl"] = "true"
    principal = statement["Principal"]
    if re.fullmatch("[0-9]{12}", principal):
        principal = f"arn:aws:iam::{principal}:root"
    statement["Principal"] = {"AWS": principal}
    statement["Resource"] = re.sub(":[0-9]{12}:function:", ":111111111111:function:", statement["Resource"])
    return statement


def test_permissions_become_the_policy_that_was_rendered(direct: Provider, moto: str) -> None:
    """AddPermission by botocore's model; moto makes the policy of it."""
    requests.post(f"{moto}/moto-api/reset", timeout=10).raise_for_status()
    function, iam = client(moto, "lambda"), client(moto, "iam")
    try:
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        role = iam.create_role(RoleName="Run", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        function.create_function(
            FunctionName="orders", Role=role, Code={"ZipFile": b""}, Runtime="python3.13", Handler="x.y"
        )
        version = function.publish_version(FunctionName="orders")["Version"]
        function.create_alias(FunctionName="orders", Name="live", FunctionVersion=version)
        permissions = direct.render("json", "url")["permissions"]
        assert len(permissions) == 2 * 3
        for permission in permissions:
            function.add_permission(**permission)
        stored = json.loads(function.get_policy(FunctionName="orders", Qualifier="live")["Policy"])["Statement"]
        assert [as_lambda_writes(statement) for statement in stored] == resource_policy(direct, "url")["Statement"]
    finally:
        function.close()
        iam.close()


def faults_in(shape: Any, value: Any, place: str = "") -> list[str]:
    """What AWS's model of a parameter refuses. botocore checks types, required members and least values alone."""
    rules = shape.metadata
    report = ParamValidator().validate(value, shape) if not place else None
    found = [report.generate_report()] if report is not None and report.has_errors() else []
    if shape.type_name == "structure":
        found += [f"{place}.{name} is required" for name in shape.required_members if name not in value]
        for name, member in value.items():
            found += faults_in(shape.members[name], member, f"{place}.{name}")
    elif shape.type_name == "list":
        for index, member in enumerate(value):
            found += faults_in(shape.member, member, f"{place}[{index}]")
    elif shape.type_name == "string":
        if not rules.get("min", 0) <= len(value) <= rules.get("max", len(value)):
            found.append(f"{place} has {len(value)} characters")
        if "pattern" in rules and not re.fullmatch(rules["pattern"], value):
            found.append(f"{place} is {value!r}, not {rules['pattern']}")
        if "enum" in rules and value not in rules["enum"]:
            found.append(f"{place} is {value!r}, none of {rules['enum']}")
    return found


# Two stages of one function, in both forms; and names as long as they may be, in every partition.
LONG = DIRECT.replace('alias = "live"', f'alias = "{"a" * 128}"').replace(
    'function = "orders"', f'function = "{"f" * 64}"'
)
LONG = LONG.replace("[callers.shop]", f"[callers.{'s' * 64}]")
SHARED = """
[api]
account = "111111111111"
region = "ap-northeast-1"
""" + "".join(
    f"""
[stages.{name}]
target = "function_url"
function = "{function}"
url_id = "{function}"
access = "direct"
permissions = "{permissions}"
accept = {{ {accept} stages_are_one_api = "they are told apart by their callers" }}
"""
    for name, function, permissions, accept in (
        ("a", "orders", "separate", ""),
        ("b", "orders", "separate", ""),
        ("c", "refunds", "document", 'replaces_whole_policy = "nothing else invokes it",'),
        ("d", "refunds", "document", 'replaces_whole_policy = "nothing else invokes it",'),
    )
)
SHARED += """
[callers.shop]
account = "000000000000"
roles = { a = "Shop", b = ["Shop", "Batch"], c = "Shop", d = "Shop" }
[callers.everybody]
organization = "o-a1b2c3d4e5"
stages = ["b", "d"]
"""


@pytest.mark.parametrize(
    ("manifest", "stages"),
    [
        pytest.param(DIRECT, ("rest", "url", "whole"), id="direct"),
        pytest.param(SHARED, ("a", "b", "c", "d"), id="shared"),
        *(
            pytest.param(LONG.replace("ap-northeast-1", region), ("url", "whole"), id=region)
            for region in ("us-gov-west-1", "cn-north-1", "eusc-de-east-1", "ap-southeast-4")
        ),
    ],
)
def test_every_parameter_is_held_to_botocores_models(manifest: str, stages: tuple[str, ...], tmp_path: Path) -> None:
    provider = Provider(tmp_path, manifest)
    models = botocore.session.get_session()
    of = {
        name: models.get_service_model(service).operation_model(name).input_shape
        for service, name in (
            ("lambda", "AddPermission"),
            ("lambda", "PutResourcePolicy"),
            ("apigateway", "UpdateRestApi"),
        )
    }
    for stage in stages:
        rendered = provider.render("json", stage)
        policy, permissions = rendered["resource_policy"], rendered.get("permissions", [])
        asked: list[tuple[str, dict[str, Any]]]
        if rendered["target"] == "rest_api":
            patch = {"op": "replace", "path": "/policy", "value": json.dumps(policy)}
            asked = [("UpdateRestApi", {"restApiId": "r1s2t3u4v5", "patchOperations": [patch]})]
        elif permissions:
            asked = [("AddPermission", permission) for permission in permissions]
            assert len({permission["StatementId"] for permission in permissions}) == len(permissions)
            # The statements that Lambda makes of them are those of the document.
            assert [statement["Sid"] for statement in policy["Statement"]] == [
                one["StatementId"] for one in permissions
            ]
        else:
            text = json.dumps(policy, separators=(",", ":"))
            asked = [("PutResourcePolicy", {"ResourceArn": rendered["api_arn"], "Policy": text})]
        for name, parameters in asked:
            assert faults_in(of[name], parameters) == [], stage
            # It finds something, of each member that has a rule.
            for member, value in parameters.items():
                rules = of[name].members[member].metadata
                if {"pattern", "max", "enum"} & rules.keys():
                    broken = parameters | {member: " " + value * 20_481}
                    assert faults_in(of[name], broken), member
            for member in of[name].required_members:
                assert faults_in(of[name], {key: value for key, value in parameters.items() if key != member}), member


def test_a_rest_apis_policy_is_read_back_as_it_was_rendered(direct: Provider, private: Provider, moto: str) -> None:
    gateway = client(moto, "apigateway")
    try:
        for provider, stage in ((direct, "rest"), (private, "stag")):
            arn = provider.render("json", stage)["api_arn"]
            deployed = provider.folder / "deployed.json"
            command = ("diff", "--stage", stage, "--deployed", str(deployed))

            def shown(api_id: str, file: Path = deployed, **policy: str) -> dict[str, Any]:
                made = gateway.create_rest_api(name="orders", tags={"_custom_id_": api_id}, **policy)["id"]
                answer: dict[str, Any] = gateway.get_rest_api(restApiId=made)
                file.write_text(json.dumps(answer, default=str))
                return answer

            api_id = arn.split(":")[5].split("/")[0]
            # Before it has a policy, it lacks all of it.
            assert "policy" not in shown(api_id)
            said = provider.run(*command, code=1)
            assert said.startswith(f"{arn}\n+ ")
            assert "\n- " not in said
            policy = resource_policy(provider, stage)
            assert json.loads(shown(api_id, policy=json.dumps(policy))["policy"]) == policy
            # The command agrees, and sees what somebody changes by hand.
            assert provider.run(*command) == f"{arn}: the same\n"
            shown("another1", policy=json.dumps(policy))
            assert "\n! api_mismatch: the policy is that of another API, `another1`" in provider.run(*command, code=1)
            policy["Statement"][0]["Principal"] = {"AWS": "*"}
            policy["Statement"][0].pop("Condition", None)
            shown(api_id, policy=json.dumps(policy))
            assert f"{arn}\n- `*` may execute-api:Invoke on `{arn}" in provider.run(*command, code=1)
    finally:
        gateway.close()


@pytest.mark.parametrize(
    ("form", "stages"), [("cloudformation", ("url", "whole")), ("terraform", ("rest", "url", "whole"))]
)
def test_the_command_reads_the_templates_that_it_renders(
    form: str, stages: tuple[str, ...], direct: Provider, tmp_path: Path
) -> None:
    for stage in stages:
        template = tmp_path / f"{stage}.json"
        template.write_text(direct.run("render", form, "--stage", stage))
        arn = direct.render("json", stage)["api_arn"]
        assert direct.run("diff", "--stage", stage, "--deployed", str(template)) == f"{arn}: the same\n"
        # A principal that somebody else put there.
        template.write_text(template.read_text().replace("000000000000", "999999999999"))
        said = direct.run("diff", "--stage", stage, "--deployed", str(template), code=1)
        assert "- `arn:aws:iam::999999999999:role/" in said
        assert "+ `arn:aws:iam::000000000000:role/" in said
