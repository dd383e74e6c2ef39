"""From a manifest to a verifier, and callers before a server at the emulator: `from_manifest`, `IdentityToken`."""

from __future__ import annotations

import copy
import json
import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import jsonschema
import pytest
import requests
import tomllib
import xacct_sign
from emulator import Emulator, cli
from providing import CFN_LINT, findings, parliament
from xacct_sign.requests import IdentityAuth
from xacct_sign.server import RefusedError, Verifier

AUDIENCE = "https://api.example.com"
MANIFEST = f"""
[api]
account = "111111111111"
region = "ap-northeast-1"
[identity]
audience = "{AUDIENCE}"
[stages.server]
target = "server"
[stages.http]
api_id = "f6g7h8i9j0"
[callers.shop]
account = "000000000000"
roles = {{ server = "Shop", http = "Shop" }}
[callers.batch]
account = "222222222222"
roles = {{ server = "service-role/Batch" }}
routes = ["GET /items/{{id}}"]
"""


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest, with the command on the PATH."""
    monkeypatch.setenv("PATH", f"{cli().parent}{os.pathsep}{os.environ['PATH']}")
    path = tmp_path / "xacct.toml"
    path.write_text(MANIFEST)
    return path


@pytest.fixture
def emulator(manifest: Path) -> Iterator[Emulator]:
    # Who sends tokens has an issuer in the manifest, here as where it is deployed.
    issuer = 'issuer = "https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws"'
    manifest.write_text(MANIFEST.replace("[callers.batch]", f"{issuer}\n[callers.batch]"))
    with Emulator(manifest=manifest) as emulator:
        yield emulator


def caller(emulator: Emulator, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in emulator.ready["callers"] if one["caller"] == name)
    return found


def credentials(emulator: Emulator, name: str) -> xacct_sign.Credentials:
    return xacct_sign.Credentials(**caller(emulator, name)["credentials"])


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([cli(), *arguments], cwd=folder, capture_output=True, text=True, check=True)


def test_a_verifier_of_a_manifest_is_that_of_its_callers_json(manifest: Path, tmp_path: Path) -> None:
    verifier = Verifier.from_manifest(manifest, "server")
    assert verifier.stage == "server"
    with pytest.raises(RefusedError) as refused:
        verifier.check("Bearer eyJ.eyJ.eyJ", "GET", "/")
    assert refused.value.code == "token_malformed"
    (tmp_path / "callers.json").write_text(run("render", "callers", "--stage", "server", folder=tmp_path).stdout)
    assert Verifier.from_file(tmp_path / "callers.json").stage == "server"
    assert not (tmp_path / "xacct.lock.toml").exists()
    # A function behind an HTTP API knows by it whom the event names.
    event = {
        "version": "2.0",
        "rawPath": "/x",
        "requestContext": {
            "http": {"method": "GET", "path": "/x"},
            "authorizer": {
                "iam": {
                    "accountId": "111111111111",
                    "userArn": "arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleHttp/shop",
                }
            },
        },
    }
    known = Verifier.from_manifest(str(manifest), "http").from_event(event)
    assert (known.name, known.role) == ("shop", "Shop")


def test_a_path_may_be_bytes_and_what_is_none_is_told(manifest: Path) -> None:
    assert Verifier.from_manifest(os.fsencode(manifest), "server").stage == "server"
    wrong: list[tuple[Any, Any]] = [
        ("a\0b", "server"),
        (b"a\0b", "server"),
        (None, "server"),
        (7, "server"),
        ("", "server"),
    ]
    for path, stage in [*wrong, (manifest, "ser\0ver"), (manifest, "")]:
        with pytest.raises(xacct_sign.ValidationError) as told:
            Verifier.from_manifest(path, stage)
        assert (told.value.code, bool(told.value.hint)) == ("invalid_option", True), (path, stage)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_both_are_read_as_powershell_and_editors_write_them(manifest: Path, tmp_path: Path, encoding: str) -> None:
    rendered = run("render", "callers", "--stage", "server", folder=tmp_path).stdout
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    callers = tmp_path / "callers.json"
    callers.write_bytes((mark + rendered.replace("\n", "\r\n")).encode(encoding))
    assert Verifier.from_file(callers).stage == "server"
    assert Verifier(callers.read_bytes()).stage == "server"
    manifest.write_bytes((mark + MANIFEST).encode(encoding))
    assert Verifier.from_manifest(manifest, "server").stage == "server"


def test_utf_16_without_a_mark_and_a_file_that_was_cut_say_what_is_wrong(manifest: Path, tmp_path: Path) -> None:
    rendered = run("render", "callers", "--stage", "server", folder=tmp_path).stdout
    for callers, what, hint in (
        (rendered.encode("utf-16-le"), "is not text in UTF-8", "Out-File -Encoding utf8"),
        (rendered.encode()[:-20], "it ends too early, at line ", "render it anew"),
    ):
        with pytest.raises(xacct_sign.ValidationError, match=what) as refused:
            Verifier(callers)
        assert refused.value.code == "callers_malformed"
        assert hint in (refused.value.hint or "")


def test_whatever_is_wrong_with_it_is_said_with_the_commands_code(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(text: str, stage: str = "server") -> tuple[str, str | None]:
        manifest.write_text(text)
        with pytest.raises(xacct_sign.ValidationError) as error:
            Verifier.from_manifest(manifest, stage)
        assert str(error.value)
        return error.value.code, error.value.hint

    assert refused(MANIFEST, "prod") == ("unknown_stage", "give the name of a table `[stages.NAME]` of the manifest")
    assert refused(MANIFEST, "--help")[0] == "unknown_stage"
    assert refused("[api")[0] == "syntax"
    code, hint = refused(MANIFEST.replace("[stages.server]", "regions = []\n[stages.server]"))
    assert code == "issuer_missing"
    assert hint is not None
    assert hint.startswith("write the caller's `issuer`")
    dev = "http://127.0.0.1:4566/issuers/000000000000"
    development = MANIFEST.replace("[stages.server]", f'dev_issuers = ["{dev}"]\n[stages.server]')
    assert refused(development)[0] == "development_only"
    assert Verifier.from_manifest(manifest, "server", development=True).stage == "server"
    with pytest.raises(xacct_sign.ValidationError) as error:
        Verifier.from_manifest(tmp_path / "none.toml", "server")
    hint = "give the path of a manifest, a file such as `xacct.toml`"
    assert (error.value.code, error.value.hint) == ("file_unreadable", hint)
    # Not of what stands beside it.
    lock = tmp_path / "xacct.lock.toml"
    lock.mkdir()
    with pytest.raises(xacct_sign.ValidationError, match="cannot read the lock file") as error:
        Verifier.from_manifest(manifest, "server", development=True)
    assert (error.value.code, error.value.hint) == (
        "file_unreadable",
        "give the path of a file that is there and can be read",
    )
    lock.rmdir()
    # A warning is no refusal, and goes to the log.
    manifest.write_text(MANIFEST + '[stages.two]\ntarget = "server"\n')
    with caplog.at_level(logging.WARNING, logger="xacct_sign.server"):
        Verifier.from_manifest(manifest, "two")
    assert "audience_is_shared" in caplog.text
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(xacct_sign.ValidationError, match="is not installed") as error:
        Verifier.from_manifest(manifest, "server")
    assert error.value.code == "command_not_found"


def test_callers_json_is_of_the_schema_that_the_command_prints(manifest: Path, tmp_path: Path) -> None:
    schema = json.loads(run("schema", "callers", folder=tmp_path).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    for stage in ("server", "http"):
        jsonschema.validate(json.loads(run("render", "callers", "--stage", stage, folder=tmp_path).stdout), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": 1}, schema)


def test_the_manifests_schema_takes_a_server_and_no_mistakes_of_one(manifest: Path, tmp_path: Path) -> None:
    schema = json.loads(run("schema", folder=tmp_path).stdout)
    validator = jsonschema.Draft7Validator(schema)
    good = tomllib.loads(MANIFEST)
    assert list(validator.iter_errors(good)) == []
    for table, key, value in (
        ("stages.server", "access", "role"),
        ("stages.server", "api_id", "a1"),
        ("stages.server", "role_name", "X"),
        ("stages.server", "audience", "a b"),
        ("stages.http", "audience", "a"),
        ("identity", "algorithm", "HS256"),
        ("identity", "max_duration_seconds", 59),
        ("identity", "regions", ["x"]),
        ("identity", "dev_issuers", ["https://a.example"]),
        ("callers.shop", "issuer", "http://a.example"),
        ("callers.shop", "issuer", "https://a.example/"),
    ):
        wrong = tomllib.loads(MANIFEST)
        at = wrong
        for part in table.split("."):
            at = at[part]
        at[key] = value
        assert list(validator.iter_errors(wrong)) != [], (table, key)


def test_cfn_lint_knows_all_of_what_a_caller_of_a_server_attaches(manifest: Path, tmp_path: Path) -> None:
    policy = json.loads(run("policy", "caller", "--caller", "shop", folder=tmp_path).stdout)
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {"Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy}}},
    }
    path = tmp_path / "policy.json"

    def said() -> str:
        path.write_text(json.dumps(template))
        return subprocess.run([*CFN_LINT, str(path)], capture_output=True, text=True).stdout

    assert said() == ""
    statement = policy["Statement"][1]
    assert statement["Condition"]["Null"] == {"sts:IdentityTokenAudience": "false"}
    # It would say something.
    statement["Action"] = "sts:GetWebIdentityTokens"
    assert "getwebidentitytokens" in said().lower()


def test_parliament_finds_nothing_once_it_is_told_of_the_action(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = json.loads(run("policy", "caller", "--caller", "shop", folder=tmp_path).stdout)
    # Its list is older: these are the action and its keys as AWS documents them.
    keys = {
        "sts:IdentityTokenAudience": "ArrayOfString",
        "sts:SigningAlgorithm": "String",
        "sts:DurationSeconds": "Numeric",
    }
    told = copy.deepcopy(next(service for service in parliament.iam_definition if service["prefix"] == "sts"))
    told["privileges"].append(
        {
            "privilege": "GetWebIdentityToken",
            "access_level": "Write",
            "resource_types": [{"condition_keys": [*keys], "dependent_actions": [], "resource_type": ""}],
        }
    )
    told["conditions"] = [{"condition": key, "type": kind} for key, kind in keys.items()]
    others = [service for service in parliament.iam_definition if service["prefix"] != "sts"]
    for module in ("parliament", "parliament.statement"):
        monkeypatch.setattr(f"{module}.iam_definition", [*others, told])
    assert findings(policy) == []
    policy["Statement"][1]["Condition"]["StringEquals"] = {"sts:ExternalId": "x"}
    assert findings(policy) != []


def test_an_identity_token_comes_in_and_another_audience_does_not(emulator: Emulator) -> None:
    url = emulator.ready["stages"]["server"]["url"]
    region, sts = emulator.ready["region"], emulator.ready["sts_url"]
    shop = credentials(emulator, "shop")
    os.environ["AWS_ENDPOINT_URL_STS"] = sts
    try:
        token = xacct_sign.IdentityToken(AUDIENCE, region=region, base=shop)
        answer = requests.put(f"{url}/any?x=1", json={}, auth=IdentityAuth(token), timeout=35)
        assert answer.status_code == 200, answer.text
        assert answer.json()["caller"] == {
            "name": "shop",
            "account": "000000000000",
            "arn": "arn:aws:iam::000000000000:role/Shop",
            "role": "Shop",
            "session": None,
            "organization": None,
            "via": "token",
        }
        with pytest.raises(xacct_sign.StsError):
            xacct_sign.IdentityToken("https://other.example.com", region=region, base=shop).token()
        proof = xacct_sign.IdentityProof(AUDIENCE, region=region, base=credentials(emulator, "batch"))
        for path, status in (("/items/1", 200), ("/items/1/secret", 403), ("/items/..%2fadmin", 403)):
            answer = requests.get(url + path, auth=IdentityAuth(proof), timeout=35)
            assert answer.status_code == status, path
        answer = requests.get(url, timeout=35)
        assert (answer.status_code, answer.content, answer.headers["www-authenticate"]) == (401, b"", "Bearer")
        # What the emulator says of the server makes a verifier in the server itself.
        verifier = Verifier(emulator.ready["stages"]["server"]["callers"], development=True)
        assert verifier.check(f"Bearer {token.token()}", "GET", "/").name == "shop"
        assert verifier.check(f"Bearer {proof.proof()}", "GET", "/items/1").name == "batch"
    finally:
        del os.environ["AWS_ENDPOINT_URL_STS"]


def test_botocores_own_tokens_come_in_within_what_the_policy_says(emulator: Emulator) -> None:
    keys = caller(emulator, "shop")["credentials"]
    sts = boto3.client(
        "sts",
        endpoint_url=emulator.ready["sts_url"],
        region_name=emulator.ready["region"],
        aws_access_key_id=keys["access_key_id"],
        aws_secret_access_key=keys["secret_access_key"],
        aws_session_token=keys["session_token"],
    )
    made = sts.get_web_identity_token(Audience=[AUDIENCE], SigningAlgorithm="ES384", DurationSeconds=900)
    header = {"authorization": f"Bearer {made['WebIdentityToken']}"}
    url = emulator.ready["stages"]["server"]["url"]
    assert requests.get(url, headers=header, timeout=35).json()["caller"]["name"] == "shop"
    for wrong in ({"SigningAlgorithm": "RS256"}, {"Audience": [AUDIENCE, "https://other.example.com"]}):
        asked = {"Audience": [AUDIENCE], "SigningAlgorithm": "ES384"} | wrong
        with pytest.raises(sts.exceptions.ClientError, match="AccessDenied"):
            sts.get_web_identity_token(**asked)
