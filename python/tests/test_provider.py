"""The provider's documents, judged by other people's tools: cfn-lint, moto, parliament, jsonschema, boto3."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
import tomllib
from emulator import Emulator
from providing import CFN_LINT, DIRECT, EVERYTHING, SHOP, STAGES, TARGETS, Provider, client, findings

MANIFESTS = {"shop": SHOP, "everything": EVERYTHING, "targets": TARGETS}


@pytest.fixture(params=MANIFESTS.values(), ids=MANIFESTS)
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> Provider:
    """Each manifest in turn."""
    return Provider(tmp_path, request.param)


def properties(template: Any) -> list[dict[str, Any]]:
    assert {resource["Type"] for resource in template["Resources"].values()} == {"AWS::IAM::Role"}
    return [resource["Properties"] for resource in template["Resources"].values()]


def roles(template: Any) -> dict[str, tuple[Any, ...]]:
    """What a template makes, by the role's name."""
    return {
        role["RoleName"]: (
            role["AssumeRolePolicyDocument"],
            [policy["PolicyDocument"] for policy in role["Policies"]],
            role["Path"],
            role["MaxSessionDuration"],
        )
        for role in properties(template)
    }


def test_the_check_finds_nothing(provider: Provider) -> None:
    # The lock file comes first: the callers of stag are on several roles.
    provider.run("render", "json", "--stage", "stag")
    assert "warning" not in provider.run("check").replace(" warning", "")


def test_every_form_grants_the_same(provider: Provider) -> None:
    for stage in STAGES:
        cloudformation = roles(provider.render("cloudformation", stage))
        plain = {
            role["name"]: (
                role["trust_policy"],
                [role["invoke_policy"]],
                role["path"],
                role["max_session_duration"],
            )
            for role in provider.render("json", stage)["roles"]
        }
        assert plain == cloudformation

        resource = provider.render("terraform", stage)["resource"]
        terraform = {}
        for label, role in resource["aws_iam_role"].items():
            policy = resource["aws_iam_role_policy"][label]
            assert policy["role"] == f"${{aws_iam_role.{label}.name}}"
            documents = json.loads(role["assume_role_policy"]), [json.loads(policy["policy"])]
            terraform[role["name"]] = (*documents, role["path"], role["max_session_duration"])
        assert terraform == cloudformation

        printed = json.loads(provider.run("policy", "trust", "--stage", stage))
        if "Statement" in printed:
            ((trust, *_),) = cloudformation.values()
            assert printed == trust
        else:
            assert {arn.rpartition("/")[2]: policy for arn, policy in printed.items()} == {
                name: trust for name, (trust, *_) in cloudformation.items()
            }


def test_cfn_lint_has_nothing_to_say(provider: Provider) -> None:
    templates = [provider.template(stage) for stage in STAGES]
    done = subprocess.run([*CFN_LINT, *map(str, templates)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr

    # It would say something.
    text = templates[0].read_text()
    for wrong in (
        text.replace('"MaxSessionDuration": 3600', '"MaxSessionDuration": 60'),
        text.replace('"Allow"', '"Al"'),
    ):
        assert wrong != text
        templates[0].write_text(wrong)
        assert subprocess.run([*CFN_LINT, str(templates[0])], capture_output=True).returncode != 0


def test_parliament_finds_nothing(provider: Provider) -> None:
    for stage in STAGES:
        for trust, invoke, *_ in roles(provider.render("cloudformation", stage)).values():
            assert [findings(policy) for policy in invoke] == [[]]
            # It knows no trust policies: the role, which IAM adds, is the resource, and who is trusted is left out.
            for statement in trust["Statement"]:
                del statement["Principal"]
                statement["Resource"] = "arn:aws:iam::111111111111:role/Name"
            assert findings(trust) == []
    for caller in tomllib.loads((provider.folder / "xacct.toml").read_text())["callers"]:
        printed = json.loads(provider.run("policy", "caller", "--caller", caller))
        for policy in [printed] if "Statement" in printed else printed.values():
            assert findings(policy) == []
    # It would find a condition key that its action does not have.
    wrong = {"StringEquals": {"sts:ExternalId": "x"}}
    statement = {"Effect": "Allow", "Action": "sts:TagSession", "Resource": "arn:aws:iam::111111111111:role/Name"}
    assert findings({"Version": "2012-10-17", "Statement": [statement | {"Condition": wrong}]}) != []


def test_what_is_deployed_is_what_was_rendered(provider: Provider, moto: str) -> None:
    requests.post(f"{moto}/moto-api/reset", timeout=10).raise_for_status()
    cloudformation, iam = client(moto, "cloudformation"), client(moto, "iam")
    try:
        for stage in STAGES:
            text = provider.template(stage).read_text()
            name = f"{stage}-{len(text)}"
            cloudformation.create_stack(StackName=name, TemplateBody=text, Capabilities=["CAPABILITY_NAMED_IAM"])
            rendered = roles(json.loads(text))
            read_back, answers = {}, []
            for role in rendered:
                answer = iam.get_role(RoleName=role)["Role"]
                policies = iam.list_role_policies(RoleName=role)["PolicyNames"]
                documents = [iam.get_role_policy(RoleName=role, PolicyName=p)["PolicyDocument"] for p in policies]
                # moto keeps what a template says as Python shows it.
                documents = [ast.literal_eval(text) if isinstance(text, str) else text for text in documents]
                path, duration = answer["Path"], answer["MaxSessionDuration"]
                read_back[role] = (answer["AssumeRolePolicyDocument"], documents, path, duration)
                answers.append({"RoleName": role, "AssumeRolePolicyDocument": answer["AssumeRolePolicyDocument"]})
            assert read_back == rendered

            # The command agrees, and sees what somebody changes by hand.
            deployed = provider.folder / "deployed.json"
            deployed.write_text(json.dumps({"Roles": answers}))
            said = provider.run("diff", "--stage", stage, "--deployed", str(deployed))
            assert said.count(": no difference in what the file says\n") == len(rendered)
            # A template says all of a role.
            said = provider.run("diff", "--stage", stage, "--deployed", str(provider.template(stage)))
            assert said.count(": the same\n") == len(rendered)
            role = sorted(rendered)[0]
            changed = json.loads(json.dumps(rendered[role][0]))
            stranger = {"AWS": "arn:aws:iam::999999999999:role/Stranger"}
            changed["Statement"].append({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": stranger})
            iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(changed))
            answer = iam.get_role(RoleName=role)["Role"]
            # All that moto has is in one account.
            answer["Arn"] = answer["Arn"].replace("123456789012", "111111111111")
            deployed.write_text(json.dumps({"Role": answer}, default=str))
            said = provider.run("diff", "--stage", stage, "--deployed", str(deployed), code=1)
            assert said.splitlines()[:2] == [role, f"- `{stranger['AWS']}` may sts:AssumeRole"]
            assert [line for line in said.splitlines()[2:] if not line.startswith("? the file does not say: ")] == []
            cloudformation.delete_stack(StackName=name)
    finally:
        cloudformation.close()
        iam.close()


# ---------------------------------------------------------------- the schema and the parser

CALLER = SHOP.partition("[callers.shop]")[2]
BROKEN = {
    "unknown key": SHOP.replace("[api]", "[api]\nunknown = 1"),
    "unknown table": SHOP + "[other]\n",
    "no api": "[stages.stag]\napi_id = 'a'\n",
    "account as a number": SHOP.replace('account = "111111111111"', "account = 111111111111"),
    "short account": SHOP.replace("111111111111", "11111111111"),
    "region": SHOP.replace("ap-northeast-1", "ap northeast"),
    "role name": SHOP.replace("ApiAllowByIamRole", "Api Allow"),
    "duration": SHOP.replace("[api]", "[api]\nmax_session_duration = 60"),
    "quota": SHOP.replace("[api]", "[api]\nrole_trust_policy_length = 5000"),
    "api id": SHOP.replace("a1b2c3d4e5", "A1"),
    "target": SHOP.replace("[stages.stag]", "[stages.stag]\ntarget = 'rest-api'"),
    "access": SHOP.replace("[stages.stag]", "[stages.stag]\naccess = 'open'"),
    "direct access to an HTTP API": SHOP.replace("[stages.stag]", "[stages.stag]\naccess = 'direct'"),
    "permissions by role": TARGETS.replace('"function"\n\n', '"function"\npermissions = "document"\n\n'),
    "permissions": DIRECT.replace('"document"', '"all"'),
    "role name of a direct stage": DIRECT.replace("[stages.rest]", "[stages.rest]\nrole_name = 'Old'"),
    "rest api without a stage": SHOP.replace("[stages.stag]", "[stages.stag]\ntarget = 'rest_api'"),
    "stage of a rest api": SHOP.replace("[stages.stag]", "[stages.stag]\ntarget = 'rest_api'\napi_stage = '$default'"),
    "vpc endpoint": SHOP.replace(
        "[stages.stag]", "[stages.stag]\ntarget = 'rest_api'\napi_stage = 'v1'\nvpc_endpoints = ['vpc-01234567']"
    ),
    "key of another target": SHOP.replace("[stages.stag]", "[stages.stag]\nalias = 'live'"),
    "function url without its id": TARGETS.replace('url_id = "abc"\n', ""),
    "url id": TARGETS.replace('url_id = "abc"', 'url_id = "https://abc.lambda-url.ap-northeast-1.on.aws"'),
    "function": TARGETS.replace('"orders"', '"arn:aws:lambda:x"'),
    "alias": TARGETS.replace('"live"', '"7"'),
    "routes enforced": TARGETS.replace('"function"\n\n', '"nobody"\n\n'),
    "api stage": SHOP.replace("[stages.stag]", "[stages.stag]\napi_stage = 'a/b'"),
    "stage name": SHOP.replace("[stages.stag]", "[stages.'a b']"),
    "caller name": SHOP.replace("[callers.shop]", "[callers.'a b']"),
    "no account": SHOP.replace('account = "000000000000"\n', ""),
    "account and organization": SHOP + 'organization = "o-a1b2c3d4e5"\n',
    "organization id": SHOP + '[callers.x]\norganization = "x"\nstages = ["stag"]\n',
    "organization without stages": SHOP + '[callers.x]\norganization = "o-a1b2c3d4e5"\n',
    "trust": SHOP + 'trust = "x"\n',
    "external id": SHOP + 'external_id = "a b"\n',
    "session names": SHOP + "session_names = []\n",
    "session name": SHOP + 'session_names = ["a b"]\n',
    "tag": SHOP + 'tags = ["aws:x"]\n',
    "source identity": SHOP + 'source_identity = ["a b"]\n',
    "third party": SHOP + "third_party = 1\n",
    "route": SHOP + 'routes = ["get /"]\n',
    "no routes": SHOP + "routes = []\n",
    "finding": SHOP + "accept = { x = 'y' }\n",
    "no reason": SHOP + "accept = { whole_account = ' ' }\n",
}


def test_the_schema_takes_what_the_parser_takes(provider: Provider) -> None:
    schema = json.loads(provider.run("schema"))
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(tomllib.loads(DIRECT))
    jsonschema.Draft7Validator(schema).validate(tomllib.loads((provider.folder / "xacct.toml").read_text()))
    (provider.folder / "xacct.toml").unlink()
    provider.run("init")
    jsonschema.Draft7Validator(schema).validate(tomllib.loads((provider.folder / "xacct.toml").read_text()))


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_the_schema_refuses_what_the_parser_refuses(text: str, tmp_path: Path) -> None:
    provider = Provider(tmp_path, text)
    validator = jsonschema.Draft7Validator(json.loads(provider.run("schema")))
    assert not validator.is_valid(tomllib.loads(text))
    provider.run("check", code=2)


# ---------------------------------------------------------------- the note


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The note for a caller, its URL an emulator's, whose credentials are in the environment."""
    provider = Provider(tmp_path, EVERYTHING)
    with Emulator(manifest=tmp_path / "xacct.toml") as running:
        for name, value in running.environment("partner").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", running.sts_url)
        note = provider.run("policy", "note", "--caller", "partner")
        _, _, note = note.partition("## Stage `stag`")
        yield note.replace("https://f6g7h8i9j0.execute-api.ap-northeast-1.amazonaws.com", running.url())


def snippet(note: str, language: str) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```$", note, re.M | re.S)[0]


def test_the_notes_python_runs(noted: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(snippet(noted, "python"), {})
    assert capsys.readouterr().out == "200\n"


def test_the_notes_shell_runs(noted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The AWS CLI is boto3 here, with the arguments that the note gives it; curl is curl."""
    aws = tmp_path / "aws"
    aws.write_text(
        f"#!{sys.executable}\n"
        + """import argparse, boto3, json
parser = argparse.ArgumentParser()
parser.add_argument("words", nargs=2)
for name in ("region", "cli-input-json", "query", "output"):
    parser.add_argument(f"--{name}")
given = parser.parse_args()
assert given.words == ["sts", "assume-role"] and given.output == "text"
assert given.query == "Credentials.[AccessKeyId,SecretAccessKey,SessionToken]"
sts = boto3.client("sts", region_name=given.region)
found = sts.assume_role(**json.loads(given.cli_input_json))["Credentials"]
print(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], sep="\\t")
"""
    )
    aws.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    script = "set -e\n" + snippet(noted, "sh").replace("curl ", "curl --silent --show-error --fail ")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    # The first of the caller's routes.
    assert (answer["method"], answer["path"]) == ("PUT", "/hoge")
    user = answer["requestContext"]["authorizer"]["iam"]["userArn"]
    assert user.startswith("arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStagPartner/")
