"""AWS's own hosts say region and service: `tests/hosts.toml` through the adapter, and what sessions make of it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
import requests
import xacct_sign
from botocore.config import Config
from emulator import Emulator
from helpers import REGION, ROLE_ARN, serve, sts_answer, table
from xacct_sign import AssumeRole, Credentials, Session
from xacct_sign.requests import SigV4Auth

HOSTS = table("hosts.toml")["host"]
GOOD = Credentials("AKIDEXAMPLE", "secret")
API = "https://abc.execute-api.eu-west-1.amazonaws.com/"
FUNCTION = "https://abc.lambda-url.us-west-2.on.aws/"
CUSTOM = "https://api.example.com/"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "sa-east-1")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)


def scope_in(authorization: str) -> str:
    """Region and service."""
    return "/".join(authorization.split("/")[2:4])


def signed(auth: SigV4Auth, url: str) -> requests.PreparedRequest:
    return auth(requests.Request("GET", url).prepare())


def scope(auth: SigV4Auth, url: str) -> str:
    return scope_in(signed(auth, url).headers["authorization"])


def refused(code: str, call: Callable[[], object]) -> None:
    with pytest.raises(xacct_sign.ValidationError) as caught:
        call()
    assert caught.value.code == code
    assert caught.value.hint


def test_there_are_hosts() -> None:
    assert len(HOSTS) > 50


@pytest.mark.parametrize("row", HOSTS, ids=lambda row: row["name"].replace(" ", "_"))
def test_the_adapter_signs_for_what_the_host_says(row: dict[str, Any]) -> None:
    prepared = requests.Request("GET", CUSTOM).prepare()
    # Past what requests itself takes for no URL.
    prepared.url = f"https://{row['host']}/"
    if "error" in row:
        refused(row["error"], lambda: SigV4Auth(credentials=GOOD)(prepared))
        refused(row["error"], lambda: Session(credentials=GOOD).get(f"https://{row['host']}/"))
        return
    SigV4Auth(credentials=GOOD)(prepared)
    expected = f"{row.get('region', 'sa-east-1')}/{row.get('service', 'execute-api')}"
    assert scope_in(prepared.headers["authorization"]) == expected


@pytest.mark.parametrize(
    ("region", "service"),
    [("us-east-1", None), (None, "lambda"), ("eu-west-1", "lambda"), ("us-east-1", "execute-api")],
)
def test_what_contradicts_the_host_is_refused_before_anything_is_sent(region: str | None, service: str | None) -> None:
    with serve(lambda _: sts_answer()) as sts:
        role = AssumeRole(ROLE_ARN, region="eu-west-1", base=GOOD, sts_endpoint=sts.url)
        for source in (role, GOOD):
            session = Session(credentials=source, region=region, service=service)
            refused("scope_mismatch", functools.partial(session.get, API))
            auth = SigV4Auth(credentials=source, region=region, service=service)
            refused("scope_mismatch", functools.partial(signed, auth, API))
        based = Session(role, region=region, service=service, base_url=API)
        refused("scope_mismatch", lambda: based.get("/hoge"))
        assert sts.requests == []


def test_on_a_custom_domain_the_region_is_given_or_the_roles_or_the_environments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve(lambda _: sts_answer()) as sts:
        role = AssumeRole(ROLE_ARN, region="us-east-1", base=GOOD, sts_endpoint=sts.url)
        assert scope(SigV4Auth(role), CUSTOM) == "us-east-1/execute-api"
        assert scope(SigV4Auth(role), API) == "eu-west-1/execute-api"
        assert scope(SigV4Auth(role, region="ap-northeast-1"), CUSTOM) == "ap-northeast-1/execute-api"
    assert scope(SigV4Auth(credentials=GOOD), CUSTOM) == "sa-east-1/execute-api"
    assert scope(SigV4Auth(credentials=GOOD, service="lambda"), CUSTOM) == "sa-east-1/lambda"
    monkeypatch.delenv("AWS_REGION")
    refused("invalid_region", lambda: signed(SigV4Auth(credentials=GOOD), CUSTOM))
    refused("invalid_region", lambda: Session(credentials=GOOD).get(CUSTOM))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    assert scope(SigV4Auth(credentials=GOOD), CUSTOM) == "eu-north-1/execute-api"
    monkeypatch.setenv("AWS_REGION", "aws-global")
    refused("invalid_region", lambda: signed(SigV4Auth(credentials=GOOD), CUSTOM))


def test_a_role_without_a_region_is_assumed_where_the_first_api_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(lambda _: sts_answer()) as sts:
        role = AssumeRole(ROLE_ARN, base=GOOD, sts_endpoint=sts.url)
        assert role.region is None
        assert "region" not in repr(role)
        auth = SigV4Auth(role)
        assert [scope(auth, url) for url in (API, FUNCTION, CUSTOM)] == [
            "eu-west-1/execute-api",
            "us-west-2/lambda",
            "sa-east-1/execute-api",
        ]
        assert [scope_in(request.headers["authorization"]) for request in sts.requests] == ["eu-west-1/sts"]
    with serve(lambda _: sts_answer()) as sts:
        AssumeRole(ROLE_ARN, base=GOOD, sts_endpoint=sts.url).credentials()
        assert [scope_in(request.headers["authorization"]) for request in sts.requests] == ["sa-east-1/sts"]
        monkeypatch.delenv("AWS_REGION")
        role = AssumeRole(ROLE_ARN, base=GOOD, sts_endpoint=sts.url)
        refused("invalid_region", role.credentials)
        # Which is no failure of STS that stands for a while.
        assert scope(SigV4Auth(role), API) == "eu-west-1/execute-api"


def test_a_role_of_another_partition_than_the_api_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    refused(
        "partition_mismatch",
        lambda: Session(ROLE_ARN, credentials=GOOD).get(
            API.replace("eu-west-1.amazonaws.com", "cn-north-1.amazonaws.com.cn")
        ),
    )


def test_a_session_of_an_arn_alone(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", emulator.sts_url)
    session = Session(emulator.role_arn(), credentials=emulator.base())
    assert session.get(emulator.url("/hoge")).status_code == 200
    answer = requests.get(emulator.url("/hoge"), auth=SigV4Auth(emulator.assume_role()), timeout=10)
    assert answer.status_code == 200


def test_a_signer_is_told_its_region_and_signs_what_it_is_told_to() -> None:
    assert scope_in(xacct_sign.Signer(GOOD, "us-east-1").sign("GET", API)["authorization"]) == "us-east-1/execute-api"
    with serve(lambda _: sts_answer()) as sts:
        role = AssumeRole(ROLE_ARN, base=GOOD, sts_endpoint=sts.url)
        refused("invalid_region", lambda: xacct_sign.Signer(role))
        headers = xacct_sign.Signer(role, "us-east-1").sign("GET", API)
        assert scope_in(headers["authorization"]) == "us-east-1/execute-api"
        assert [scope_in(request.headers["authorization"]) for request in sts.requests] == ["us-east-1/sts"]


def test_what_goes_to_lambda_has_the_hash_of_its_body() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert signed(SigV4Auth(credentials=GOOD), FUNCTION).headers["x-amz-content-sha256"] == empty
    assert "x-amz-content-sha256" not in signed(SigV4Auth(credentials=GOOD), API).headers


@pytest.mark.parametrize("row", [row for row in table("sts-endpoints.toml")["endpoint"] if "host" in row], ids=str)
def test_c11_botocore_calls_sts_where_the_table_has_it(row: dict[str, Any]) -> None:
    kind = Config(
        use_fips_endpoint=row.get("fips", False),
        use_dualstack_endpoint=row.get("dual_stack", False),
    )
    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret"}
    client = botocore.session.Session().create_client("sts", region_name=row["region"], config=kind, **keys)
    assert client.meta.endpoint_url == f"https://{row['host']}"
