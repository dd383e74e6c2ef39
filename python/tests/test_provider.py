"""The provider's documents, judged by other people's tools: cfn-lint, moto, parliament, jsonschema, boto3."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import jsonschema
import pytest
import requests
import tomllib
from botocore.stub import Stubber
from emulator import REPOSITORY, Emulator, cli
from moto.server import ThreadedMotoServer

with warnings.catch_warnings():
    # It leaves files open.
    warnings.simplefilter("ignore", ResourceWarning)
    import parliament

STAGES = ("deve", "stag", "prod")

# The README's example.
SHOP = re.findall(r"^```toml\n(.*?)^```$", (REPOSITORY / "README.md").read_text(), re.M | re.S)[0]

# Every form of trust, every condition, roles of their own, and more callers than fit into one role.
EVERYTHING = (
    SHOP
    + """
[callers.partner]
account = "222222222222"
roles = { stag = "Batch", prod = "service-role/Batch" }
external_id = "b3c7+x=y"
session_names = ["partner-*", "batch-?"]
tags = ["team", "cost:center"]
source_identity = ["*"]
third_party = true
routes = ["PUT /hoge", "GET /items/{id}", "ANY /orders/{proxy+}"]
accept = { wildcard_spans_segments = "the API has no deeper routes", production_trusts_other_stage = "it is theirs" }

[callers.later]
account = "333333333333"
roles = { stag = "NotThereYet" }
trust = "account"
session_names = ["later-*"]

[callers.supplier]
account = "444444444444"
roles = { deve = "*" }
trust = "account"
accept = { whole_account = "their only workload" }

[callers.everybody]
organization = "o-a1b2c3d4e5"
stages = ["deve"]
tags = ["team"]
"""
    + "".join(
        f'[callers.customer-{number}]\naccount = "{500_000_000_000 + number}"\nroles = {{ stag = "LambdaRoleStag" }}\n'
        for number in range(100)
    )
)

# The same callers at other fronts: private REST APIs and function URLs.
TARGETS = (
    EVERYTHING.replace('api_id = "a1b2c3d4e5"', 'target = "rest_api"\napi_id = "a1b2c3d4e5"\napi_stage = "v1"')
    .replace(
        'api_id = "f6g7h8i9j0"',
        'target = "rest_api"\napi_id = "f6g7h8i9j0"\napi_stage = "v1"\nvpc_endpoints = ["vpce-0123456789abcdef0"]',
    )
    .replace(
        'api_id = "k1l2m3n4o5"',
        'target = "function_url"\nfunction = "orders"\nalias = "live"\nurl_id = "abc"\nroutes_enforced_by = "function"',
    )
)
MANIFESTS = {"shop": SHOP, "everything": EVERYTHING, "targets": TARGETS}


class Provider:
    """The command, in a folder with a manifest."""

    def __init__(self, folder: Path, manifest: str) -> None:
        self.folder = folder
        (folder / "xacct.toml").write_text(manifest)

    def run(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run([cli(), *arguments], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def render(self, form: str, stage: str) -> Any:
        return json.loads(self.run("render", form, "--stage", stage))

    def template(self, stage: str) -> Path:
        path = self.folder / f"{stage}.json"
        path.write_text(self.run("render", "cloudformation", "--stage", stage))
        return path


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
    command = [
        sys.executable,
        "-c",
        "import sys, cfnlint.runner; sys.exit(cfnlint.runner.main())",
        "--regions",
        "ap-northeast-1",
        "--",
    ]
    templates = [provider.template(stage) for stage in STAGES]
    done = subprocess.run([*command, *map(str, templates)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr

    # It would say something.
    text = templates[0].read_text()
    for wrong in (
        text.replace('"MaxSessionDuration": 3600', '"MaxSessionDuration": 60'),
        text.replace('"Allow"', '"Al"'),
    ):
        assert wrong != text
        templates[0].write_text(wrong)
        assert subprocess.run([*command, str(templates[0])], capture_output=True).returncode != 0


# Newer than parliament's tables: see botocore's model of AddPermission.
TOO_NEW = "UNKNOWN_CONDITION_FOR_ACTION Unknown condition lambda:InvokedViaFunctionUrl for action lambda:InvokeFunction"


def findings(policy: dict[str, Any]) -> list[str]:
    analyzed = parliament.analyze_policy_string(json.dumps(policy))
    found = [f"{finding.issue} {finding.detail}" for finding in analyzed.findings]
    return [finding for finding in found if finding != TOO_NEW]


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


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of a moto server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def client(url: str, service: str) -> Any:
    key = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, region_name="ap-northeast-1", endpoint_url=url, **key)


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
            deployed.write_text(json.dumps({"Role": answer}, default=str))
            said = provider.run("diff", "--stage", stage, "--deployed", str(deployed), code=1)
            assert said.splitlines()[:2] == [role, f"- `{stranger['AWS']}` may sts:AssumeRole"]
            assert [line for line in said.splitlines()[2:] if not line.startswith("? the file does not say: ")] == []
            cloudformation.delete_stack(StackName=name)
    finally:
        cloudformation.close()
        iam.close()


# ---------------------------------------------------------------- direct access

DIRECT = """
[api]
account = "111111111111"
region = "ap-northeast-1"
[stages.rest]
target = "rest_api"
api_id = "r1s2t3u4v5"
api_stage = "v1"
access = "direct"
[stages.url]
target = "function_url"
function = "orders"
alias = "live"
url_id = "abc"
access = "direct"
[stages.whole]
target = "function_url"
function = "orders"
url_id = "def"
access = "direct"
permissions = "document"
accept = { replaces_whole_policy = "nothing else invokes it" }
[callers.shop]
account = "000000000000"
roles = { rest = "service-role/Shop", url = "Shop", whole = "Shop" }
[callers.partner]
account = "222222222222"
roles = { rest = "Batch" }
trust = "account"
routes = ["PUT /hoge", "ANY /orders/{proxy+}"]
[callers.soon]
account = "333333333333"
roles = { whole = "NotThereYet" }
trust = "account"
[callers.office_1]
account = "444444444444"
roles = { url = "*" }
trust = "account"
accept = { whole_account = "their only workload" }
[callers.everybody]
organization = "o-a1b2c3d4e5"
stages = ["rest", "url", "whole"]
"""


@pytest.fixture
def direct(tmp_path: Path) -> Provider:
    """A REST API and two function URLs that are called directly."""
    return Provider(tmp_path, DIRECT)


def resource_policy(provider: Provider, stage: str) -> dict[str, Any]:
    policy: dict[str, Any] = json.loads(provider.run("policy", "resource", "--stage", stage))
    assert provider.render("json", stage)["resource_policy"] == policy
    return policy


def test_cfn_lint_has_nothing_to_say_of_permissions(direct: Provider) -> None:
    command = [sys.executable, "-c", "import sys, cfnlint.runner; sys.exit(cfnlint.runner.main())"]
    command += ["--regions", "ap-northeast-1", "--"]
    for stage, wrong in (("url", '"FunctionUrlAuthType": "AWS"'), ("whole", '"ResourceArn": 1')):
        template = direct.template(stage)
        done = subprocess.run([*command, str(template)], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
        # It would say something.
        text = template.read_text()
        key = wrong.partition(":")[0]
        template.write_text(re.sub(rf"{key}: \"[^\"]*\"", wrong, text, count=1))
        assert template.read_text() != text
        assert subprocess.run([*command, str(template)], capture_output=True).returncode != 0


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


def test_parameters_are_those_of_botocores_models(direct: Provider) -> None:
    function = boto3.client("lambda", region_name="ap-northeast-1", aws_access_key_id="x", aws_secret_access_key="x")
    gateway = boto3.client("apigateway", region_name="ap-northeast-1", aws_access_key_id="x", aws_secret_access_key="x")
    model = function.meta.service_model
    shapes = {
        name: member.metadata.get("pattern")
        for name, member in model.operation_model("AddPermission").input_shape.members.items()
    }
    with Stubber(function) as stubber, Stubber(gateway) as rest:
        for permission in direct.render("json", "url")["permissions"]:
            stubber.add_response("add_permission", {}, permission)
            function.add_permission(**permission)
            for name, value in permission.items():
                pattern = shapes[name]
                assert pattern is None or re.fullmatch(pattern, value), (name, value)
        policy = resource_policy(direct, "whole")
        arn = direct.render("json", "whole")["api_arn"]
        put = {"ResourceArn": arn, "Policy": json.dumps(policy)}
        stubber.add_response("put_resource_policy", {}, put)
        function.put_resource_policy(**put)
        members = model.operation_model("PutResourcePolicy").input_shape.members
        assert re.fullmatch(members["ResourceArn"].metadata["pattern"], arn)
        assert len(put["Policy"]) <= members["Policy"].metadata["max"] == 20_480
        patch = {"op": "replace", "path": "/policy", "value": json.dumps(resource_policy(direct, "rest"))}
        rest.add_response("update_rest_api", {}, {"restApiId": "r1s2t3u4v5", "patchOperations": [patch]})
        gateway.update_rest_api(restApiId="r1s2t3u4v5", patchOperations=[patch])
    function.close()
    gateway.close()


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
