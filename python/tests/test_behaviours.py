"""`tests/behaviours.toml` through the wheel's public API: `Signer`, `canonical_url`, the adapter for requests."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any

import pytest
import requests
import xacct_sign
from helpers import signature, signed_headers, table
from xacct_sign.requests import SigV4Auth

BEHAVIOURS = table("behaviours.toml")
SIGNER = BEHAVIOURS["signer"]
NOW = datetime.fromisoformat(SIGNER["timestamp"])
DATE = NOW.strftime("%Y%m%dT%H%M%SZ")
SCOPE = f"{DATE[:8]}/{SIGNER['region']}/{SIGNER['service']}/aws4_request"

each_case = pytest.mark.parametrize("case", BEHAVIOURS["case"], ids=lambda case: case["name"].replace(" ", "_"))


def expected_headers(case: dict[str, Any]) -> list[str]:
    return case.get("canonical_headers", ["host:api.example.com", f"x-amz-date:{DATE}"])


def expected_signature(case: dict[str, Any], secret: str = SIGNER["secret_access_key"]) -> str:
    """By AWS's description of Signature Version 4, with nothing of the code under test."""
    lines = expected_headers(case)
    names = ";".join(line.partition(":")[0] for line in lines)
    payload = hashlib.sha256(case.get("body", "").encode()).hexdigest()
    uri, query = case.get("canonical_uri", "/"), case.get("canonical_query", "")
    canonical = "\n".join([case.get("method", "GET"), uri, query, *lines, "", names, payload])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", DATE, SCOPE, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in [*SCOPE.split("/"), to_sign]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def credentials(case: dict[str, Any]) -> xacct_sign.Credentials:
    return xacct_sign.Credentials(SIGNER["access_key_id"], SIGNER["secret_access_key"], case.get("session_token"))


def signed(case: dict[str, Any], headers: Any, body: Any) -> dict[str, str]:
    url = case["url"]
    if "canonical_url" in case:
        url = xacct_sign.canonical_url(url)
        assert url == case["canonical_url"]
        assert xacct_sign.canonical_url(url) == url
    signer = xacct_sign.Signer(credentials(case), SIGNER["region"], SIGNER["service"])
    return signer.sign(case.get("method", "GET"), url, headers, body, now=NOW)


def test_there_are_cases() -> None:
    assert len(BEHAVIOURS["case"]) >= 70


@each_case
def test_signer(case: dict[str, Any]) -> None:
    pairs = [(name, value) for name, value in case.get("headers", [])]
    if "error" in case:
        with pytest.raises(xacct_sign.ValidationError) as caught:
            signed(case, pairs, case.get("body", ""))
        assert caught.value.code == case["error"]
        return
    added = signed(case, pairs, case.get("body", ""))
    assert signature(added["authorization"]) == expected_signature(case)
    lines = expected_headers(case)
    assert signed_headers(added["authorization"]) == [line.partition(":")[0] for line in lines]
    assert f"Credential={SIGNER['access_key_id']}/{SCOPE}," in added["authorization"]
    assert added["x-amz-date"] == DATE
    # An empty token is none; whatever else is added was signed with this value.
    assert added.get("x-amz-security-token") == (case.get("session_token") or None)
    for name in added.keys() - {"authorization"}:
        assert f"{name}:{added[name]}" in lines

    # The same request in every form that the arguments take.
    body = case.get("body", "").encode()
    as_bytes = [(name, value.encode()) for name, value in pairs]
    for headers, payload in [
        (as_bytes, body),
        (pairs, bytearray(body)),
        (iter(pairs), memoryview(body)),
        (pairs, xacct_sign.PayloadHash(hashlib.sha256(body).hexdigest())),
    ]:
        assert signed(case, headers, payload) == added
    if len({name.lower() for name, _ in pairs}) == len(pairs):
        assert signed(case, dict(pairs), body) == added
    if not pairs:
        assert signed(case, None, body) == added
    if not body:
        assert signed(case, pairs, None) == added


def may_be_sent_by_requests(case: dict[str, Any]) -> bool:
    """requests itself refuses what cannot be sent, and holds one value for each name."""
    names = [name.lower() for name, _ in case.get("headers", [])]
    values = "".join(value for _, value in case.get("headers", []))
    return "error" not in case and len(set(names)) == len(names) and values.isascii()


@pytest.mark.parametrize(
    "case",
    [case for case in BEHAVIOURS["case"] if "canonical_url" in case and may_be_sent_by_requests(case)],
    ids=lambda case: case["name"].replace(" ", "_"),
)
def test_requests_adapter_sends_the_canonical_url(case: dict[str, Any]) -> None:
    prepared = requests.Request(case.get("method", "GET"), "https://api.example.com/").prepare()
    # Past requests' own encoding of URLs, which is not the adapter's.
    prepared.url = case["url"]
    SigV4Auth(credentials=credentials(case), region=SIGNER["region"])(prepared)
    assert prepared.url == case["canonical_url"]


@pytest.mark.parametrize(
    "case",
    [case for case in BEHAVIOURS["case"] if case.get("headers") and may_be_sent_by_requests(case)],
    ids=lambda case: case["name"].replace(" ", "_"),
)
def test_requests_adapter_signs_the_same_headers(case: dict[str, Any]) -> None:
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url = case.get("method", "GET"), case["url"]
    prepared.hooks = requests.hooks.default_hooks()
    prepared.headers = requests.structures.CaseInsensitiveDict(case["headers"])
    prepared.body = case.get("body", "").encode()
    SigV4Auth(credentials=credentials(case), region=SIGNER["region"])(prepared)
    expected = [line.partition(":")[0] for line in expected_headers(case)]
    assert signed_headers(prepared.headers["authorization"]) == expected
    assert prepared.headers.get("x-amz-security-token") == (case.get("session_token") or None)
    # The clock is the system's here, so the signature is compared with the signer's for the same instant.
    now = datetime.strptime(prepared.headers["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    signer = xacct_sign.Signer(credentials(case), SIGNER["region"])
    again = signer.sign(prepared.method, prepared.url, [tuple(h) for h in case["headers"]], prepared.body, now=now)
    assert again["authorization"] == prepared.headers["authorization"]
