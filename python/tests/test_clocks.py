"""Who shares what STS said of the time with whom.

The same table: tests/tests/bad_days/clocks.rs, js/xacct-sign/test/clocks.test.ts.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import xacct_sign
import xacct_sign.requests
from helpers import REGION, Answer, Request, Server, fake_role, serve, sts_answer
from xacct_sign import IdentityProof, IdentityToken

AUDIENCE = "https://api.example.com"
AHEAD = timedelta(minutes=10)
KEY = "ASIAIOSFODNN7EXAMPLE"


def late(_: Request) -> Answer:
    """Ten minutes later than this machine says, which STS takes and APIs do not."""
    answer = sts_answer(key=KEY, token="token")
    answer.headers["date"] = format_datetime(datetime.now(timezone.utc) + AHEAD, usegmt=True)
    return answer


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    with serve(late) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
        (tmp_path / "config").write_text(
            f"""[profile keys]
aws_access_key_id = AKIDBASE
aws_secret_access_key = base-secret
[profile role]
region = {REGION}
role_arn = arn:aws:iam::111111111111:role/Base
source_profile = keys
"""
        )
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        yield server


def asked(sts: Server) -> Callable[[], xacct_sign.Credentials]:
    """A callable has no clock that anybody could have."""
    return fake_role(sts).credentials


SOURCES: dict[str, tuple[Callable[[Server], Any], bool]] = {
    "role": (lambda sts: fake_role(sts), True),
    "role of a role": (lambda sts: fake_role(sts, base=fake_role(sts)), True),
    "chain": (lambda _: xacct_sign.DefaultCredentials("role"), True),
    "callable": (asked, False),
}


def by_session(base: Any, url: str) -> None:
    xacct_sign.Session(credentials=base, region=REGION).get(url)


def by_adapter(base: Any, url: str) -> None:
    requests.get(url, auth=xacct_sign.requests.SigV4Auth(credentials=base, region=REGION), timeout=10)


def by_role(base: Any, url: str) -> None:
    role = "arn:aws:iam::111111111111:role/Last"
    with pytest.raises(xacct_sign.StsError):
        xacct_sign.AssumeRole(role, region=REGION, base=base, sts_endpoint=url).credentials()


def by_token(base: Any, url: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_STS", url)
        identity = IdentityToken(AUDIENCE, region=REGION, base=base)
    with pytest.raises(xacct_sign.StsError):
        identity.token()


def by_proof(base: Any, _: str) -> str:
    values = IdentityProof(AUDIENCE, region=REGION, base=base).proof().partition(".")[2]
    return str(json.loads(urlsafe_b64decode(values + "=" * (-len(values) % 4)))["date"])


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("user", [by_session, by_adapter, by_role, by_token, by_proof])
def test_what_a_source_was_told_of_the_time_whoever_asks_with_it_knows(
    sts: Server, source: str, user: Callable[[Any, str], str | None]
) -> None:
    make, has_clock = SOURCES[source]
    base = make(sts)
    (base if callable(base) else base.credentials)()
    with serve(lambda _: Answer(400, {"date": "none"})) as other:
        made = user(base, other.url)
    date = made or other.requests[0].headers["x-amz-date"]
    signed = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    ahead = signed - datetime.now(timezone.utc)
    expected = AHEAD if has_clock else timedelta()
    assert abs(ahead - expected) < timedelta(minutes=2)
