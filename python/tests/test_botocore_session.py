"""`xacct_sign.botocore.session`: boto3 signs as a role that we refresh."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import botocore.auth
import botocore.awsrequest
import pytest
import xacct_sign
from botocore.exceptions import ClientError
from emulator import Emulator
from helpers import BRIEF, REGION, ROLE_ARN, Answer, fake_role, serve, sts_answer
from xacct_sign.botocore import session

ARN = "arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/xacct-sign"


def test_boto3_signs_as_the_role_across_a_refresh(short_lived: Emulator) -> None:
    made = session(short_lived.assume_role())
    client = boto3.Session(botocore_session=made).client("sts", endpoint_url=short_lived.sts_url)
    keys = set()
    end = time.monotonic() + 30
    while len(keys) < 3 and time.monotonic() < end:
        # An expired token would be refused.
        assert client.get_caller_identity()["Arn"] == ARN
        keys.add(made.get_credentials().access_key)
        time.sleep(0.05)
    assert len(keys) == 3


def test_expired_credentials_would_be_refused(short_lived: Emulator) -> None:
    """So that the test above proves something."""
    now = short_lived.assume_role().credentials()
    kept = boto3.Session(now.access_key_id, now.secret_access_key, now.session_token, region_name=REGION)
    client = kept.client("sts", endpoint_url=short_lived.sts_url)
    with pytest.raises(ClientError) as caught:  # noqa: PT012
        while True:
            client.get_caller_identity()
            time.sleep(0.05)
    assert caught.value.response["Error"]["Code"] == "ExpiredToken"


def test_a_role_by_its_arn(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", emulator.sts_url)
    made = session(emulator.role_arn(), region=REGION, credentials=emulator.base())
    client = boto3.Session(botocore_session=made).client("sts")
    assert client.meta.region_name == REGION
    assert client.get_caller_identity()["Arn"] == ARN


def test_the_session_is_lazy_and_says_the_roles_region() -> None:
    with serve() as sts:
        made = session(fake_role(sts))
        assert boto3.Session(botocore_session=made).region_name == REGION
        assert made.get_credentials().method == "xacct-sign"
        assert made.get_credentials().account_id == "111111111111"
        assert session(fake_role(sts), region="eu-west-1").get_config_variable("region") == "eu-west-1"
        assert sts.requests == []


def test_the_environments_own_credentials_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOTHER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    with serve(lambda _: sts_answer()) as sts:
        assert session(fake_role(sts)).get_credentials().get_frozen_credentials().access_key == "ASIAFAKE"


def test_the_three_parts_are_of_one_generation() -> None:
    def answer(_: object) -> Answer:
        number = len(sts.requests)
        return sts_answer(f"ASIA{number}", f"secret-{number}", f"token-{number}", lifetime=BRIEF)

    with serve(answer) as sts:
        credentials = session(fake_role(sts)).get_credentials()
        end = time.monotonic() + 1

        def work(_: int) -> set[tuple[str, ...]]:
            seen = set()
            while time.monotonic() < end:
                frozen = credentials.get_frozen_credentials()
                seen.add((frozen.access_key[4:], frozen.secret_key[7:], frozen.token[6:]))
            return seen

        with ThreadPoolExecutor(8) as pool:
            seen = set().union(*pool.map(work, range(8)))
        assert len(seen) == len(sts.requests) >= 3
    assert all(len(set(parts)) == 1 for parts in seen)


def test_botocore_as_the_base_and_botocore_as_the_user() -> None:
    """Both ends at once: boto3's credentials assume the role, and boto3 uses it."""
    with serve(lambda _: sts_answer()) as sts:
        base = boto3.Session("AKIDBASE", "secret")
        made = session(fake_role(sts, base=base))
        request: Any = botocore.awsrequest.AWSRequest("GET", "https://api.example.com/")
        botocore.auth.SigV4Auth(made.get_credentials().get_frozen_credentials(), "execute-api", REGION).add_auth(
            request
        )
        assert "Credential=ASIAFAKE/" in request.headers["Authorization"]
        assert "Credential=AKIDBASE/" in sts.requests[0].headers["authorization"]


def test_what_sts_says_comes_through_boto3(emulator: Emulator) -> None:
    role = emulator.assume_role(base=emulator.outsider())
    client = boto3.Session(botocore_session=session(role)).client("sts", endpoint_url=emulator.sts_url)
    with pytest.raises(xacct_sign.StsError) as caught:
        client.get_caller_identity()
    assert caught.value.code == "sts_denied"


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("role_not_given", {"role": None, "region": REGION}),
        ("role_not_given", {"role": "", "region": REGION}),
        ("invalid_role_arn", {"role": "arn", "region": REGION}),
        ("invalid_role_arn", {"role": 5, "region": REGION}),
        ("invalid_credentials", {"role": ROLE_ARN, "region": REGION, "credentials": 5}),
    ],
)
def test_bad_arguments(code: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(xacct_sign.ValidationError) as caught:
        session(**arguments)
    assert caught.value.code == code


def test_a_region_that_is_not_given_is_the_environments_or_botocores(monkeypatch: pytest.MonkeyPatch) -> None:
    for variables, region in [
        ({}, None),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-2"}, "eu-west-2"),
    ]:
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert session(ROLE_ARN).get_config_variable("region") == region
    role = xacct_sign.AssumeRole(ROLE_ARN, region="sa-east-1")
    assert session(role).get_config_variable("region") == "sa-east-1"


def test_credentials_beside_an_assume_role_are_refused() -> None:
    with serve() as sts, pytest.raises(xacct_sign.ValidationError) as caught:
        session(fake_role(sts), credentials=xacct_sign.Environment())
    assert caught.value.code == "invalid_option"


def test_one_call_for_all_clients() -> None:
    started = threading.Barrier(8)
    with serve(lambda _: sts_answer()) as sts:
        made = session(fake_role(sts))

        def work(_: int) -> str:
            started.wait()
            return str(made.get_credentials().get_frozen_credentials().access_key)

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(work, range(8))) == {"ASIAFAKE"}
        assert len(sts.requests) == 1
