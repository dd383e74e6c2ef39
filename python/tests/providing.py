"""The command over a manifest, and what other people's tools say of its documents."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import boto3
from emulator import REPOSITORY, cli

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
[callers.partner.accept]
wildcard_spans_segments = "the API has no deeper routes"
production_trusts_other_stage = "it is theirs"
role_name_not_unique = "one of them is not made yet"

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

[callers.operators]
account = "555555555555"
roles = { stag = ["Ops_*", "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_*"] }
trust = "account"

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

# Called directly: a REST API, and two function URLs.
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


CFN_LINT = [sys.executable, "-c", "import sys, cfnlint.runner; sys.exit(cfnlint.runner.main())"]
CFN_LINT += ["--regions", "ap-northeast-1", "--"]

# Newer than parliament's tables: see botocore's model of AddPermission.
TOO_NEW = "UNKNOWN_CONDITION_FOR_ACTION Unknown condition lambda:InvokedViaFunctionUrl for action lambda:InvokeFunction"


def findings(policy: dict[str, Any]) -> list[str]:
    analyzed = parliament.analyze_policy_string(json.dumps(policy))
    found = [f"{finding.issue} {finding.detail}" for finding in analyzed.findings]
    return [finding for finding in found if finding != TOO_NEW]


def client(url: str, service: str) -> Any:
    key = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, region_name="ap-northeast-1", endpoint_url=url, **key)
