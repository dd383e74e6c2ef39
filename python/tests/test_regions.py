"""Decided: STS's endpoint may be of another region than the API."""

from __future__ import annotations

import pytest
import xacct_sign
from emulator import Emulator
from helpers import REGION


def sts_called_us_east_1(emulator: Emulator) -> str:
    """The emulator's, in `ap-northeast-1`: a name in `localhost` is this machine, and a region in it says nothing."""
    endpoint = emulator.sts_url.replace("127.0.0.1", "sts.us-east-1.localhost")
    assert "us-east-1" in endpoint
    return endpoint


def test_decided_sts_is_signed_for_the_roles_region_whatever_its_endpoint_is_called(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = sts_called_us_east_1(emulator)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", endpoint)
    session = xacct_sign.Session(emulator.role_arn(), region=REGION, credentials=emulator.base())
    assert session.get(emulator.url("/hoge")).status_code == 200
    with pytest.raises(xacct_sign.StsError) as caught:
        emulator.assume_role(region="us-east-1", sts_endpoint=endpoint).credentials()
    assert (caught.value.code, caught.value.aws_code) == ("sts_credentials", "SignatureDoesNotMatch")


def test_decided_a_role_with_a_region_of_its_own_serves_a_session_of_another(emulator: Emulator) -> None:
    role = emulator.assume_role(region=REGION, sts_endpoint=sts_called_us_east_1(emulator))
    assert xacct_sign.Session(role).get(emulator.url("/hoge")).status_code == 200
    # STS takes what is signed for its region, and the API says for which one the request to it was signed.
    answer = xacct_sign.Session(role, region="eu-west-1").get(emulator.url("/hoge"))
    assert answer.status_code == 403
    assert answer.headers["x-xacct-reason"].startswith("scope_mismatch:")
    assert "/eu-west-1/execute-api/" in answer.headers["x-xacct-reason"]
