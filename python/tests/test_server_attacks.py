"""The table of attacks, tests/attacks.toml, through Python: issuers and STS are on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import serving
import tomllib
import xacct_sign
from xacct_sign.server import RefusedError, Verifier


@pytest.fixture(scope="module")
def here() -> Iterator[serving.Loopback]:
    with serving.loopback() as here:
        yield here


def rows(kind: str) -> list[Any]:
    return [pytest.param(row["name"], id=row["name"]) for row in tomllib.loads(serving.table())[kind]]


def row_of(table: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    (row,) = (row for row in table[kind] if row["name"] == name)
    return row


def outcome(check: Any) -> dict[str, str]:
    """What a check comes to, as a row of the table says it."""
    try:
        return {"caller": check().name}
    except RefusedError as refusal:
        return {"code": refusal.code}


def expected(row: dict[str, Any]) -> dict[str, str]:
    return {member: row[member] for member in ("caller", "code") if member in row}


def token(row: dict[str, Any], issuer: str) -> str:
    if "whole" in row:
        return row["whole"]
    header, claims = serving.good(issuer)
    is_rs256 = row.get("algorithm") == "RS256"
    if is_rs256:
        header |= {"alg": "RS256", "kid": "RSA_0"}
    serving.merge(claims[serving.STS_CLAIMS], row.get("sts", {}))
    serving.merge(header, row.get("header", {}))
    serving.merge(claims, row.get("claims", {}))
    algorithm = row.get("sign", "RS256" if is_rs256 else "ES384")
    key = row.get("key", "shop_rsa" if is_rs256 else "shop_ec")
    claims_text = serving.filled(row.get("raw_claims", serving.compact(claims)))
    whole = serving.token_of(row.get("raw_header", serving.compact(header)), claims_text, algorithm, key)
    parts = whole.split(".")
    if "signature" in row:
        signature = serving.sign(algorithm, key, ".".join(parts[:2]).encode())
        parts[2] = serving.encode(serving.changed(row["signature"], signature))
    if "edit" in row:
        at, behind = row["edit"]
        parts[at] += behind
    return ".".join(parts)


def proof(row: dict[str, Any], good: dict[str, Any]) -> str:
    """The proof of a row, of these values of a good one."""
    if "whole" in row:
        return row["whole"]
    values = serving.proof_values(audience=row["made_for"]) if "made_for" in row else dict(good)
    if "raw" in row:
        text = row["raw"]
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return serving.proof_of(text)
    serving.merge(values, row.get("values", {}))
    return serving.proof_of(serving.filled(serving.compact(values)))


def run(here: serving.Loopback, verifier: Verifier, row: dict[str, Any], word: str, bearer: str) -> None:
    headers = [header.replace(word, bearer) for header in row.get("authorization", ["Bearer " + word])]
    path = row.get("path", "/items").replace(word, bearer)
    methods = [row.get("method", "GET"), *row.get("overrides", [])]
    here.fetched.clear()
    values: list[str | bytes] = [header.encode() for header in headers]
    assert outcome(lambda: verifier.check(values, methods, path)) == expected(row)
    assert not (row.get("before_network") and here.fetched)


@pytest.mark.parametrize("name", rows("token"))
def test_a_token(here: serving.Loopback, name: str) -> None:
    table = here.world()
    row = row_of(table, "token", name)
    verifier = Verifier(table["world"] | {"algorithm": row.get("algorithm", "ES384")}, development=True)
    if "after" in row:
        check_token(here, verifier, row_of(table, "token", row["after"]))
    check_token(here, verifier, row)


def check_token(here: serving.Loopback, verifier: Verifier, row: dict[str, Any]) -> None:
    if "publishes_text" in row:
        here.published = serving.filled(serving.with_keys(row["publishes_text"])).encode()
    else:
        here.published = serving.key_set(*row["publishes"]) if "publishes" in row else None
    run(here, verifier, row, "{token}", token(row, here.issuer("shop")))


def is_at_once(name: str) -> bool:
    """Whether a proof is checked at the machine's own time, which Python's verifier has."""
    return "later" not in row_of(tomllib.loads(serving.table()), "proof", name)


@pytest.mark.parametrize("name", [row for row in rows("proof") if is_at_once(row.values[0])])
def test_a_proof(here: serving.Loopback, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", here.url)
    table = here.world()
    row = row_of(table, "proof", name)
    verifier = Verifier(table["world"], development=True)
    # One for both rows: a second may pass between them.
    good = serving.proof_values()
    if "after" in row:
        check_proof(here, verifier, row_of(table, "proof", row["after"]), good)
    check_proof(here, verifier, row, good)


def check_proof(here: serving.Loopback, verifier: Verifier, row: dict[str, Any], good: dict[str, Any]) -> None:
    answer = row.get("answer")
    if answer == "@nothing":
        here.answer = (0, b"")
    else:
        here.answer = answer and (answer["status"], serving.filled(answer["body"]).encode())
    run(here, verifier, row, "{proof}", proof(row, good))
    if here.answer and 300 <= here.answer[0] < 400:
        assert here.fetched == ["/"]


def is_told_twice(text: str) -> bool:
    """Whether a member stands twice in an object: Python's runtime leaves the last alone."""
    objects: list[list[tuple[str, Any]]] = []
    json.loads(text, object_pairs_hook=objects.append)
    return any(len(dict(members)) < len(members) for members in objects)


@pytest.mark.parametrize("name", rows("event"))
def test_an_event(here: serving.Loopback, name: str) -> None:
    here.published = None
    table = here.world()
    row = row_of(table, "event", name)
    callers = table["world"] if row["front"] == "world" else table["fronts"][row["front"]]
    header, claims = serving.good(here.issuer("shop"))
    good = serving.token_of(serving.compact(header), serving.compact(claims))
    claims["sub"] = "arn:aws:iam::000000000000:role/Reader"
    reader = serving.token_of(serving.compact(header), serving.compact(claims))
    text = row["event"].replace("{token}", good).replace("{reader}", reader)
    for path in row.get("paths", [""]):
        event = text.replace("{path}", path)
        # As Lambda gives it, what is wrong cannot be seen where a member stands twice.
        forms = [event] if is_told_twice(event) else [event, json.loads(event)]
        for form in forms:
            verifier = Verifier(callers, development=True)
            assert outcome(lambda: verifier.from_event(form)) == expected(row), (type(form), path)  # noqa: B023


@pytest.mark.parametrize("name", rows("callers"))
def test_of_a_wrong_list_no_verifier_is_made(name: str) -> None:
    table = tomllib.loads(serving.table())
    row = row_of(table, "callers", name)
    callers = table["fronts"][row["front"]] if "front" in row else table["world"]
    Verifier(callers)
    serving.merge(callers, row["set"])
    with pytest.raises(xacct_sign.ValidationError) as refused:
        Verifier(callers)
    assert refused.value.code == row["code"]


def test_one_character_changed_in_a_good_token_or_proof_is_never_taken(
    here: serving.Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.published, here.answer = None, None
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", here.url)
    verifier = Verifier(here.world()["world"], development=True)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    token_ = serving.token_of(*map(serving.compact, serving.good(here.issuer("shop"))))
    for good in (token_, serving.proof_of(serving.compact(serving.proof_values()))):
        assert verifier.check(f"Bearer {good}", "GET", "/items").name == "shop"
        for at, character in enumerate(good):
            other = alphabet[(alphabet.index(character) + 1 + at % 60) % len(alphabet)]
            with pytest.raises(RefusedError) as refused:
                verifier.check(f"Bearer {good[:at]}{other}{good[at + 1 :]}", "GET", "/items")
            assert refused.value.status == 401, at
