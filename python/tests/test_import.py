"""A manifest from roles that are deployed on moto: what boto3 reads of them is what the AWS CLI prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import botocore.session
import botocore.validate
import pytest
import requests
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


def deploy(provider: Provider, iam: Any) -> None:
    for stage in STAGES:
        for role in provider.render("json", stage)["roles"]:
            boundary = {"PermissionsBoundary": role["permissions_boundary"]} if "permissions_boundary" in role else {}
            tags = [{"Key": key, "Value": value} for key, value in role.get("tags", {}).items()]
            iam.create_role(
                RoleName=role["name"],
                Path=role["path"],
                MaxSessionDuration=role["max_session_duration"],
                AssumeRolePolicyDocument=json.dumps(role["trust_policy"]),
                Tags=tags,
                **boundary,
            )
            policy = json.dumps(role["invoke_policy"])
            iam.put_role_policy(RoleName=role["name"], PolicyName="InvokeApi", PolicyDocument=policy)


@pytest.mark.parametrize("text", [SHOP, EVERYTHING, SETTINGS], ids=["shop", "everything", "settings"])
def test_what_is_deployed_becomes_a_manifest_that_is_no_difference(text: str, tmp_path: Path, moto: str) -> None:
    requests.post(f"{moto}/moto-api/reset", timeout=10).raise_for_status()
    iam = client(moto, "iam")
    provider = Provider(tmp_path, text)
    deploy(provider, iam)
    lambdas = {"Version": "2012-10-17", "Statement": []}
    iam.create_role(RoleName="NoApi", AssumeRolePolicyDocument=json.dumps(lambdas))
    pages = iam.get_paginator("get_account_authorization_details").paginate(Filter=["Role"])
    details = {"RoleDetailList": [role for page in pages for role in page["RoleDetailList"]]}
    # As they are in the API's account: a role of another one that invokes it is a caller's.
    deployed = json.dumps(details, default=str).replace(f":{MOTOS}:role/", ":111111111111:role/")
    (tmp_path / "deployed.json").write_text(deployed)

    provider.run("init", "--from", "deployed.json", "--manifest", "new.toml")
    made = json.loads(provider.run("list", "--json", "--manifest", "new.toml"))
    meant = json.loads(provider.run("list", "--json"))
    assert sorted(row["role"] for row in made) == sorted(row["role"] for row in meant)
    assert sorted(json.dumps(row["terms"]) for row in made) == sorted(json.dumps(row["terms"]) for row in meant)
    compared = 0
    for stage in {row["stage"] for row in made}:
        said = provider.run("diff", "--manifest", "new.toml", "--stage", stage, "--deployed", "deployed.json")
        # IAM leaves the duration out of this, and the APIs' own policies are not IAM's.
        unsaid = ("? the file does not say: maximum session duration", "? the file does not say: resource policy of `")
        lines = [line for line in said.splitlines() if not line.startswith(unsaid)]
        assert all(line.endswith(": no difference in what the file says") for line in lines), lines
        compared += len(lines)
    assert compared == len({row["role"] for row in meant})


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
