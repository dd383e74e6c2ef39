"""AWS's signing test suite through the wheel, stage by stage."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import xacct_sign
from xacct_sign._native import _trace

# What `Signer` has for a service without a row of its own.
PUBLIC_SETTINGS = {
    "percent_encoding": "double",
    "normalize_path": True,
    "payload_header": "when_unsigned",
    "sign_session_token": True,
    "sign_all_headers": False,
}


def of_mode(vectors: list[dict[str, Any]], mode: str) -> list[dict[str, Any]]:
    return [vector for vector in vectors if vector["mode"] == mode]


def names(vectors: list[dict[str, Any]]) -> set[str]:
    return {vector["name"] for vector in vectors}


def trace(vector: dict[str, Any], **more: Any) -> dict[str, Any]:
    return _trace(
        xacct_sign.Credentials(**vector["credentials"]),
        vector["region"],
        vector["service"],
        vector["method"],
        vector["url"],
        [tuple(pair) for pair in vector["headers"]],
        vector["body"],
        now=datetime.fromisoformat(vector["timestamp"]),
        **vector["settings"],
        **more,
    )


def check_stages(vector: dict[str, Any], stages: dict[str, Any]) -> int:
    """How many stages the suite has a file for."""
    checked = 0
    for stage in ("canonical_request", "string_to_sign", "signature"):
        expected = vector["expected"][stage]
        if expected is not None:
            assert stages[stage] == expected, f"{vector['name']}: {stage}"
            checked += 1
    return checked


def check_url(vector: dict[str, Any], url: str) -> None:
    parts = urlsplit(url)
    pairs = sorted(parse_qsl(parts.query, keep_blank_values=True))
    assert pairs == sorted(tuple(pair) for pair in vector["expected"]["query"]), vector["name"]
    assert parts.path == vector["expected"]["signed_request"]["path"], vector["name"]


def test_forty_header_cases(vectors: list[dict[str, Any]]) -> None:
    cases = of_mode(vectors, "header")
    assert len(names(cases)) == 40
    checked = 0
    for vector in cases:
        stages = trace(vector)
        checked += check_stages(vector, stages)
        added = vector["expected"]["added_headers"]
        if added is not None:
            assert stages["headers"] == added, vector["name"]
            checked += 1
    assert checked == 159


def test_thirty_eight_query_cases(vectors: list[dict[str, Any]]) -> None:
    cases = of_mode(vectors, "query")
    assert len(names(cases)) == 38
    for vector in cases:
        stages = trace(vector, expires_in=vector["expires_in"])
        assert check_stages(vector, stages) == 3, vector["name"]
        check_url(vector, stages["url"])


def test_header_cases_through_the_public_signer(vectors: list[dict[str, Any]]) -> None:
    # AWS's case for `lambda` is older than function URLs, which get the payload's hash in a header.
    cases = [vector for vector in of_mode(vectors, "header") if vector["settings"] == PUBLIC_SETTINGS]
    cases = [vector for vector in cases if vector["service"] != "lambda"]
    assert len(names(cases)) >= 25
    for vector in cases:
        signer = xacct_sign.Signer(xacct_sign.Credentials(**vector["credentials"]), vector["region"], vector["service"])
        headers = [tuple(pair) for pair in vector["headers"]]
        now = datetime.fromisoformat(vector["timestamp"])
        for body in (vector["body"], vector["body"].encode()):
            added = signer.sign(vector["method"], vector["url"], headers, body, now=now)
            expected = vector["expected"]["added_headers"]
            assert expected is None or added == expected, vector["name"]


def test_query_cases_through_the_public_signer(vectors: list[dict[str, Any]]) -> None:
    cases = [vector for vector in of_mode(vectors, "query") if vector["settings"] == PUBLIC_SETTINGS]
    assert len(names(cases)) >= 26
    for vector in cases:
        signer = xacct_sign.Signer(xacct_sign.Credentials(**vector["credentials"]), vector["region"], vector["service"])
        url = signer.presign(
            vector["method"],
            vector["url"],
            expires_in=vector["expires_in"],
            headers=[tuple(pair) for pair in vector["headers"]],
            body=vector["body"],
            now=datetime.fromisoformat(vector["timestamp"]),
        )
        check_url(vector, url)
