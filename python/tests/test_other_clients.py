"""Other people's clients at the emulator, with a verifier beside it that has nothing of ours.

What they send, and what comes out otherwise than well, is `tests/clients.toml`.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import httpx
import pytest
import time_machine
import xacct_sign
from aiobotocore.session import get_session
from botocore.exceptions import ClientError
from emulator import Emulator
from helpers import table
from httpx_aws_auth import AwsSigV4AssumeRoleAuth
from other_clients import CLIENTS, Call
from wire import Exchange, Judge, Recorder, sent_again

TABLE = table("clients.toml")
REQUESTS: dict[str, dict[str, Any]] = TABLE["request"]
LISTED: dict[tuple[str, str], dict[str, str]] = {
    (client, request): entry
    for entry in TABLE["listed"]
    for client in entry["clients"]
    for request in entry["requests"]
}
CLOCK_OFF = timedelta(minutes=20)
OURS = "arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/"

# Some of the clients use what newer versions of Python advise against.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    process = Judge()
    yield process
    process.close()


@pytest.fixture(scope="module")
def recorder(emulator: Emulator) -> Iterator[Recorder]:
    running = Recorder(emulator.url())
    yield running
    running.close()


@pytest.fixture(scope="module")
def keys(emulator: Emulator) -> xacct_sign.Credentials:
    return emulator.assume_role(session_name="clients").credentials()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They write files and look for credentials at home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))


class World:
    """The emulator, the verifier beside it, and what passes between the client and both."""

    def __init__(self, emulator: Emulator, recorder: Recorder, judge: Judge, keys: xacct_sign.Credentials) -> None:
        self.emulator = emulator
        self.recorder = recorder
        self.judge = judge
        self.keys = keys

    def send(self, client: str, name: str, **changes: Any) -> Exchange | None:
        """What a client makes of a request; None if it sends nothing."""
        request = REQUESTS[name]
        body = bytes.fromhex(request["bytes"]) if "bytes" in request else None
        if "body" in request:
            body = request["body"].encode()
        call = {
            "keys": self.keys,
            "region": self.emulator.region,
            "method": request.get("method", "GET"),
            "base": self.recorder.url,
            "path": request["url"],
            "headers": request.get("headers", {}),
            "body": body,
        }
        try:
            CLIENTS[client](Call(**(call | changes)))
        except Exception:
            if exchanges := self.recorder.take():
                raise
            return None
        exchanges = self.recorder.take()
        (exchange,) = exchanges
        return exchange

    def refusals(self, exchange: Exchange) -> tuple[str | None, str | None]:
        """Why the emulator refuses and why the verifier does."""
        by_emulator = None if exchange.status == 200 else exchange.reason or str(exchange.status)
        return by_emulator, self.judge.refusal(bytes(exchange.request), self.keys, self.emulator.region)

    def outcome(self, exchange: Exchange | None) -> str:
        if exchange is None:
            return "not sent"
        by_emulator, by_judge = self.refusals(exchange)
        if (by_emulator is None) != (by_judge is None):
            return "refused here alone" if by_emulator else "refused by the verifier alone"
        return "refused" if by_emulator else "accepted"


@pytest.fixture
def world(emulator: Emulator, recorder: Recorder, judge: Judge, keys: xacct_sign.Credentials) -> World:
    return World(emulator, recorder, judge, keys)


def version_of_curl() -> str:
    said = subprocess.run(["curl", "--version"], check=True, capture_output=True, text=True).stdout
    (version,) = re.findall(r"^curl (\d+\.\d+)\.", said)
    return str(version)


def listed(client: str, name: str) -> dict[str, str]:
    return LISTED.get((client, name), {"outcome": "accepted"})


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("client", CLIENTS)
def test_the_emulator_and_the_verifier_agree_but_for_the_list(world: World, client: str, name: str) -> None:
    exchange = world.send(client, name)
    outcome = world.outcome(exchange)
    shown = exchange and (bytes(exchange.request), world.refusals(exchange))
    # The system's curl may be another than the one of the list: of it agreement alone is asked.
    if client == "curl" and version_of_curl() != TABLE["curl"]["version"]:
        assert outcome in ("accepted", "refused", "not sent", listed(client, name)["outcome"]), shown
        return
    assert outcome == listed(client, name)["outcome"], shown
    said = re.search(r"of the canonical request, the (\w+)", exchange.reason or "") if exchange else None
    assert (said and said[1]) == listed(client, name).get("line"), shown


def test_the_list_names_clients_and_requests_that_there_are() -> None:
    assert {client for client, _ in LISTED} <= set(CLIENTS) | set(TABLE["javascript"]["clients"])
    assert {request for _, request in LISTED} <= set(REQUESTS)
    assert len(LISTED) == sum(len(entry["clients"]) * len(entry["requests"]) for entry in TABLE["listed"]), "twice"


def test_all_of_ours_are_accepted_and_theirs_are_counted() -> None:
    """What each command line gets through the emulator, by the list; the figures are those of the table."""
    refused = {"refused", "refused here alone", "not sent"}
    accepted = {
        client: sum(listed(client, name)["outcome"] not in refused for name in REQUESTS)
        for client in ("xacct-sign call", "awscurl", "curl")
    }
    assert accepted == TABLE["accepted"]
    assert accepted["xacct-sign call"] == len(REQUESTS)


@pytest.mark.parametrize("client", CLIENTS)
def test_decided_a_plus_in_a_query_goes_out_as_an_escaped_space(world: World, client: str) -> None:
    """Some sign `%20` for it, some `%2B`, some `+`: the form that `canonical_url` gives has no `+`, for any of them."""
    base = world.recorder.url
    raw = base + REQUESTS["plus in a query"]["url"]
    ours = xacct_sign.Session(credentials=world.keys, region=world.emulator.region)
    assert ours.get(raw).status_code == 200
    (exchange,) = world.recorder.take()
    assert bytes(exchange.request).startswith(b"GET /items?q=x%20y HTTP/1.1\r\n")
    assert world.outcome(exchange) == "accepted"
    canonical = xacct_sign.canonical_url(raw)
    assert canonical == f"{base}/items?q=x%20y"
    theirs = world.send(client, "plus in a query", path=canonical[len(base) :])
    assert world.outcome(theirs) == listed(client, "escaped space in a query")["outcome"]


# ---------------------------------------------------------------- spoiled requests


def changed(world: World, client: str, change: Callable[[bytes], bytes]) -> Exchange:
    """A request that is right, and was changed on its way."""
    exchange = world.send(client, "json")
    assert exchange is not None
    request = bytes(exchange.request)
    again = sent_again(world.emulator.url(), request)
    assert world.outcome(again) == "accepted"
    assert change(request) != request
    return sent_again(world.emulator.url(), change(request))


def refused(world: World, exchange: Exchange | None, code: str) -> None:
    """Both refuse it, and the emulator for this reason."""
    assert exchange is not None
    assert world.outcome(exchange) == "refused", world.refusals(exchange)
    assert exchange.status == 403
    assert (exchange.reason or "").partition(":")[0] == code


@pytest.mark.parametrize("client", CLIENTS)
def test_a_changed_body_is_refused(world: World, client: str) -> None:
    exchange = changed(world, client, lambda request: request.replace(b'"bar"', b'"baz"'))
    has_hash = b"x-amz-content-sha256" in exchange.request.lower()
    refused(world, exchange, "body_mismatch" if has_hash else "signature_mismatch")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_changed_path_is_refused(world: World, client: str) -> None:
    exchange = changed(world, client, lambda request: request.replace(b" /items ", b" /other ", 1))
    refused(world, exchange, "signature_mismatch")


@pytest.mark.parametrize("client", CLIENTS)
def test_another_token_is_refused(world: World, client: str) -> None:
    token = (world.keys.session_token or "").encode()
    exchange = changed(world, client, lambda request: request.replace(token, token[::-1]))
    refused(world, exchange, "token_invalid")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_missing_token_is_refused(world: World, client: str) -> None:
    keys = xacct_sign.Credentials(world.keys.access_key_id, world.keys.secret_access_key)
    exchange = world.send(client, "json", keys=keys)
    if client == "xacct-sign call":
        # It knows a temporary key by its id, and says so itself.
        assert exchange is None
        return
    refused(world, exchange, "token_invalid")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_wrong_secret_is_refused(world: World, client: str) -> None:
    keys = xacct_sign.Credentials(
        world.keys.access_key_id, world.keys.secret_access_key[::-1], world.keys.session_token
    )
    refused(world, world.send(client, "json", keys=keys), "signature_mismatch")


# The command learns from the answer what the time is, and is accepted.
@pytest.mark.parametrize("off", [-CLOCK_OFF, CLOCK_OFF], ids=["slow", "fast"])
@pytest.mark.parametrize("client", [client for client in CLIENTS if client != "xacct-sign call"])
def test_a_clock_that_is_off_is_refused(world: World, client: str, off: timedelta) -> None:
    then = datetime.now(timezone.utc) + off
    with time_machine.travel(then):
        exchange = world.send(client, "json", signed_at=then.strftime("%Y%m%dT%H%M%SZ"))
    assert exchange is not None
    assert then.strftime("%Y%m%dT%H").encode() in bytes(exchange.request)
    # Some versions of curl send a date that they are given twice.
    is_once = exchange.request.lower().count(b"x-amz-date:") == 1
    refused(world, exchange, "skewed" if is_once else "signature_malformed")


# ---------------------------------------------------------------- those that assume the role themselves


@pytest.fixture
def sts(emulator: Emulator) -> Iterator[Recorder]:
    running = Recorder(emulator.sts_url)
    yield running
    running.close()


def options(emulator: Emulator, sts: Recorder, base: xacct_sign.Credentials) -> dict[str, Any]:
    return {
        "region_name": emulator.region,
        "endpoint_url": sts.url,
        "aws_access_key_id": base.access_key_id,
        "aws_secret_access_key": base.secret_access_key,
        "aws_session_token": base.session_token,
    }


async def assumed(emulator: Emulator, sts: Recorder, base: xacct_sign.Credentials) -> dict[str, Any]:
    async with get_session().create_client("sts", **options(emulator, sts, base)) as client:
        answer = await client.assume_role(
            RoleArn=emulator.role_arn(), RoleSessionName="aio+b=c", ExternalId="a+b=c:d/e@f"
        )
    credentials = answer["Credentials"]
    assert isinstance(credentials, dict)
    return credentials


def test_aiobotocore_assumes_the_role_and_its_credentials_serve(world: World, sts: Recorder) -> None:
    base = world.emulator.base()
    credentials = asyncio.run(assumed(world.emulator, sts, base))
    (exchange,) = sts.take()
    assert world.judge.refusal(bytes(exchange.request), base, world.emulator.region, "sts") is None
    world.keys = xacct_sign.Credentials(
        credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]
    )
    called = world.send("aiobotocore", "json")
    assert world.outcome(called) == "accepted"
    assert called is not None
    assert f"{OURS}aio+b=c".encode() in called.response


def test_aiobotocore_is_refused_with_a_wrong_secret(world: World, sts: Recorder) -> None:
    base = world.emulator.base()
    wrong = xacct_sign.Credentials(base.access_key_id, base.secret_access_key[::-1], base.session_token)
    with pytest.raises(ClientError) as caught:
        asyncio.run(assumed(world.emulator, sts, wrong))
    assert caught.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    (exchange,) = sts.take()
    assert world.judge.refusal(bytes(exchange.request), base, world.emulator.region, "sts") is not None


def test_httpx_aws_auth_assumes_the_role(world: World, sts: Recorder) -> None:
    given = options(world.emulator, sts, world.emulator.base())
    auth = AwsSigV4AssumeRoleAuth(
        region=world.emulator.region,
        role_arn=world.emulator.role_arn(),
        session=boto3.Session(),
        # aioboto3 calls it `client`.
        async_session=SimpleNamespace(client=get_session().create_client),
        client_kwargs=given,
        async_client_kwargs=given,
    )
    url = f"{world.emulator.url()}/items"

    async def asynchronously() -> httpx.Response:
        async with httpx.AsyncClient(auth=auth) as client:
            return await client.put(url, json={"foo": "bar"})

    for answer in (httpx.put(url, json={"foo": "bar"}, auth=auth), asyncio.run(asynchronously())):
        assert answer.status_code == 200, answer.headers.get("x-xacct-reason")
        assert answer.json()["requestContext"]["authorizer"]["iam"]["userArn"].startswith(OURS)
    assert len(sts.take()) == 2
