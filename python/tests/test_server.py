"""`xacct_sign.server.Verifier`, with tokens of joserfc."""

from __future__ import annotations

import json
import logging
import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema
import pytest
import serving
from emulator import REPOSITORY
from joserfc import jwt
from joserfc.jwk import ECKey
from xacct_sign import ValidationError
from xacct_sign.server import RefusedError, Verifier

READER = {"sub": "arn:aws:iam::000000000000:role/Reader"}


def bearer(here: serving.Loopback, **claims: Any) -> str:
    """A token as joserfc makes it."""
    header, good = serving.good(here.issuer("shop"))
    return (
        f"Bearer {jwt.encode(header, good | claims, ECKey.import_key(serving.KEYS['shop_ec']), algorithms=['ES384'])}"
    )


def test_a_token_of_joserfc_is_taken(here: serving.Loopback, verifier: Verifier) -> None:
    caller = verifier.check(bearer(here), "GET", "/items")
    assert (caller.name, caller.account, caller.role, caller.session) == (
        "shop",
        "000000000000",
        "LambdaRoleProd",
        None,
    )
    assert (caller.arn, caller.via) == ("arn:aws:iam::000000000000:role/LambdaRoleProd", "token")
    assert caller.organization == "o-klmnopqrst"
    assert here.fetched == ["/issuers/shop/.well-known/jwks.json"]
    assert caller == verifier.check(bearer(here), "GET", "/items")
    assert len(here.fetched) == 1


def test_a_refusal_says_why_to_the_log_alone(here: serving.Loopback, verifier: Verifier) -> None:
    token = bearer(here, aud="https://other.example.com")
    with pytest.raises(RefusedError) as refused:
        verifier.check(token, "GET", "/")
    error = refused.value
    assert (error.code, error.status, error.retryable) == ("audience_refused", 401, False)
    assert "https://other.example.com" in str(error)
    assert token.split(".")[-1] not in str(error) + repr(error)
    restored = pickle.loads(pickle.dumps(error))
    assert (restored.code, restored.status, str(restored)) == (error.code, error.status, str(error))


def test_no_header_and_several(here: serving.Loopback, verifier: Verifier) -> None:
    for authorization, code in (
        (None, "authorization_missing"),
        ([], "authorization_missing"),
        ([bearer(here), bearer(here)], "authorization_twice"),
        ("Bearer é", "authorization_malformed"),
        ("Bearer 漢", "authorization_malformed"),
    ):
        with pytest.raises(RefusedError) as refused:
            verifier.check(authorization, "GET", "/")
        assert refused.value.code == code


def test_the_list_comes_from_a_file_or_a_text(here: serving.Loopback, tmp_path: Path) -> None:
    text = json.dumps(here.world()["world"])
    file = tmp_path / "callers.json"
    file.write_text(text)
    for verifier in (
        Verifier.from_file(file, development=True),
        Verifier(text, development=True),
        Verifier(text.encode(), development=True),
    ):
        assert verifier.check(bearer(here), "GET", "/").name == "shop"
        assert (verifier.stage, repr(verifier)) == ("prod", "<Verifier of stage prod>")


def test_development_is_told_at_each_start_and_which_sts_is_asked(
    here: serving.Loopback, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url, asks_aws in (("", True), ("http://127.0.0.1:1", False)):
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        caplog.clear()
        with caplog.at_level(logging.WARNING, "xacct_sign.server"):
            Verifier(here.world()["world"], development=True)
        (said,) = (record.getMessage() for record in caplog.records)
        assert "this is for development" in said
        assert ("set AWS_ENDPOINT_URL_STS, or make the verifier in `as_caller`" in said) == asks_aws


def test_what_is_at_hand_waits_for_nothing(here: serving.Loopback, verifier: Verifier) -> None:
    token = bearer(here)
    assert verifier.check_at_hand(token, "GET", "/") is None
    assert here.fetched == []
    verifier.check(token, "GET", "/")
    found = verifier.check_at_hand(token, "GET", "/")
    assert found is not None
    assert found.name == "shop"
    with pytest.raises(RefusedError):
        verifier.check_at_hand("Bearer x", "GET", "/")


def test_threads_share_one_fetch(here: serving.Loopback, verifier: Verifier) -> None:
    names = []
    token = bearer(here)
    threads = [threading.Thread(target=lambda: names.append(verifier.check(token, "GET", "/").name)) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names == ["shop"] * 40
    assert len(here.fetched) == 1


def test_a_thousand_unknown_key_ids_are_one_fetch(here: serving.Loopback, verifier: Verifier) -> None:
    header, claims = serving.good(here.issuer("shop"))
    # Made before, since ten seconds later there may be another fetch.
    tokens = [
        serving.token_of(serving.compact(header | {"kid": f"unknown_{number}"}), serving.compact(claims))
        for number in range(1000)
    ]

    def refused(token: str) -> str:
        with pytest.raises(RefusedError) as told:
            verifier.check(f"Bearer {token}", "GET", "/items")
        return told.value.code

    began = time.monotonic()
    # All at once when there are no keys yet, and again when there are.
    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(refused, tokens)) == {"key_unknown"}
    assert verifier.check(bearer(here), "GET", "/items").name == "shop"
    assert {refused(token) for token in tokens} == {"key_unknown"}
    assert verifier.check(bearer(here, jti="another"), "GET", "/items").name == "shop"
    # One more for each ten seconds that it took.
    assert 1 <= len(here.fetched) <= 1 + (time.monotonic() - began) // 10


def test_half_a_character_is_refused(here: serving.Loopback, verifier: Verifier) -> None:
    reader = bearer(here, **READER)
    assert verifier.check(reader, "GET", "/items/1").name == "reader"
    for method, path in (("GET", "/items/\ud800"), ("\ud800", "/items/1")):
        for check in (verifier.check, verifier.check_at_hand):
            with pytest.raises(RefusedError) as refused:
                check(reader, method, path)
            assert refused.value.status == 403


def test_what_is_no_event_is_refused(verifier: Verifier) -> None:
    loop: dict[str, Any] = {}
    loop["headers"] = loop
    for event in (None, [], "text", {"headers": object()}, {"headers": {"a": "\ud800"}}, loop):
        with pytest.raises(RefusedError) as refused:
            verifier.from_event(event)  # type: ignore[arg-type]
        assert refused.value.code == "event_malformed"


def test_what_is_not_read_of_an_event_may_be_anything(here: serving.Loopback) -> None:
    verifier = Verifier(here.world()["fronts"]["function_url"])
    arn = "arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders"
    iam = {"accountId": "000000000000", "userArn": arn, "principalOrgId": "o-klmnopqrst"}
    context = {"http": {"method": "GET", "path": "/items"}, "authorizer": {"iam": iam}}
    event = {"version": "2.0", "rawPath": "/items", "headers": {}, "requestContext": context}
    for more in (object(), float("nan"), "\ud800", context | {"self": event}):
        event |= {"body": more, "queryStringParameters": more, 1: more}
        assert verifier.from_event(event).name == "shop"


def test_an_outage_is_503_and_nobody_is_let_in(here: serving.Loopback, verifier: Verifier) -> None:
    here.published = b"@nothing"
    with pytest.raises(RefusedError) as refused:
        verifier.check(bearer(here), "GET", "/")
    assert (refused.value.code, refused.value.status, refused.value.retryable) == ("keys_unavailable", 503, True)


def test_the_schema_refuses_what_the_verifier_refuses(here: serving.Loopback) -> None:
    schema = json.loads((REPOSITORY / "crates" / "identity" / "src" / "callers" / "schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    table = here.world()
    for callers in (table["world"], *table["fronts"].values()):
        validator.validate(callers)
    # Of these a schema cannot know.
    beyond = {"development_only", "issuer_shared", "issuers_differ", "issuer_missing", "caller_twice", "route_invalid"}
    beyond |= {"issuer_insecure", "issuer_malformed", "callers_version_unknown", "region_invalid", "role_invalid"}
    for row in table["callers"]:
        callers = table["fronts"][row["front"]] if "front" in row else table["world"]
        changed = dict(callers)
        serving.merge(changed, row["set"])
        assert row["code"] in beyond or not validator.is_valid(changed), row["name"]


def test_a_caller_that_is_known_is_told_without_asking_anybody(here: serving.Loopback, verifier: Verifier) -> None:
    token = bearer(here)
    for _ in range(100):
        assert verifier.check(token, "GET", "/").name == "shop"
    assert len(here.fetched) == 1


def test_a_list_that_is_no_json_is_told(here: serving.Loopback) -> None:
    endless: dict[str, object] = {}
    endless["callers"] = endless
    for wrong in ({"version": {1}}, endless):
        with pytest.raises(ValidationError, match="`callers` is no JSON") as told:
            Verifier(wrong)
        assert told.value.code == "invalid_option"
    assert Verifier(MappingProxyType(here.world()["world"]), development=True).stage == "prod"


@pytest.mark.parametrize("wrong", ["callers.json", " /etc/callers.json"])
def test_a_files_name_is_told_from_its_text(wrong: str) -> None:
    with pytest.raises(ValidationError, match="not the text of a callers") as told:
        Verifier(wrong)
    assert (told.value.code, told.value.hint) == ("invalid_option", "for a file there is Verifier.from_file")


@pytest.mark.parametrize("empty", ["", " \r\n", b""])
def test_an_empty_text_is_a_list_to_be_rendered_anew(empty: str | bytes) -> None:
    with pytest.raises(ValidationError, match=r"^callers\.json is not strict JSON") as told:
        Verifier(empty)
    assert (told.value.code, (told.value.hint or "")[:14]) == ("callers_malformed", "render it anew")


def test_a_verifier_that_was_not_made_can_be_shown() -> None:
    with pytest.raises(ValidationError) as told:
        Verifier("")
    frames = [entry.frame.f_locals.get("self") for entry in told.traceback]
    assert [repr(made) for made in frames if isinstance(made, Verifier)] == ["<Verifier>"]


def test_a_signature_is_told_to_be_one(verifier: Verifier) -> None:
    with pytest.raises(RefusedError, match=r"it is a signature \(SigV4\), and this server wants") as refused:
        verifier.check(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/execute-api/aws4_request", "GET", "/"
        )
    assert refused.value.code == "authorization_malformed"


@pytest.mark.parametrize(("url", "code"), [("garbage", "invalid_endpoint"), ("http://sts.example.com", "insecure_url")])
def test_an_endpoint_of_sts_that_is_none_is_no_fault_of_the_list(
    here: serving.Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, code: str
) -> None:
    file = tmp_path / "callers.json"
    file.write_text(json.dumps(here.world()["world"]))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
    with pytest.raises(ValidationError, match=r"^AWS_ENDPOINT_URL_STS names no usable STS: ") as told:
        Verifier.from_file(file, development=True)
    assert told.value.code == code
    assert (told.value.hint or "").startswith("give it a URL of https, or of this machine")


@pytest.mark.parametrize(("text", "code"), [("", "callers_malformed"), ('{"version": 9}', "callers_version_unknown")])
def test_an_error_of_a_file_names_the_file(tmp_path: Path, text: str, code: str) -> None:
    file = tmp_path / "callers-stag.json"
    file.write_text(text)
    for path in (file, str(file), os.fsencode(file)):
        with pytest.raises(ValidationError) as told:
            Verifier.from_file(path)
        assert told.value.code == code
        # Not `callers.json: callers.json is ...`.
        assert str(told.value).startswith(f"{file} is not ")
        assert told.value.hint


def test_a_file_that_cannot_be_read_is_told_with_what_to_do(tmp_path: Path) -> None:
    """It was a bare `FileNotFoundError`, without a code and a hint."""
    missing = tmp_path / "callers.json"
    hints = {
        missing: "render it: `xacct-sign render callers --stage STAGE > callers.json`",
        tmp_path: "give the path of a file that can be read",
    }
    for path, hint in hints.items():
        with pytest.raises(OSError, match=r"\w") as system:
            path.read_bytes()
        for given in (path, str(path), os.fsencode(path)):
            with pytest.raises(ValidationError) as told:
                Verifier.from_file(given)
            assert (told.value.code, told.value.hint) == ("file_unreadable", hint)
            assert told.value.args == (f"cannot read the list of callers `{path}`: {system.value.strerror}",)
            assert type(told.value.__cause__) is type(system.value)


@pytest.mark.parametrize("path", [None, "", b"", "a\0b", b"a\0b", "\ud800", 0, True, ["callers.json"]])
def test_what_is_no_path_is_told_as_such(path: Any) -> None:
    """A number is none: `open` would wait for standard input."""
    for make in (Verifier.from_file, lambda path: Verifier.from_manifest(path, "prod")):
        with pytest.raises(ValidationError, match=r"^`path` is no path ") as told:
            make(path)
        assert told.value.code == "invalid_option"
        assert told.value.hint


def test_an_event_may_be_its_text(here: serving.Loopback, verifier: Verifier) -> None:
    context = {"http": {"method": "GET", "path": "/items"}}
    headers = {"authorization": bearer(here)}
    text = json.dumps({"version": "2.0", "rawPath": "/items", "headers": headers, "requestContext": context})
    for event in (text, text.encode()):
        assert verifier.from_event(event).name == "shop"
    for wrong in ("\ud800", "{", b"\xff", text.replace('"rawPath"', '"rawPath": "/items", "rawPath"')):
        with pytest.raises(RefusedError) as refused:
            verifier.from_event(wrong)
        assert refused.value.code == "event_malformed"


def test_arguments_of_the_wrong_kind_are_told_as_such(verifier: Verifier) -> None:
    wrong: list[Any] = [
        lambda: Verifier(None),  # type: ignore[arg-type]
        lambda: Verifier("{}", development=1),  # type: ignore[arg-type]
        lambda: Verifier.from_manifest("xacct.toml", None),  # type: ignore[arg-type]
        lambda: verifier.check("Bearer x", None, "/"),  # type: ignore[arg-type]
        lambda: verifier.check("Bearer x", "GET", None),  # type: ignore[arg-type]
        lambda: verifier.check("Bearer x", "GET", b"/items/1"),  # type: ignore[arg-type]
        lambda: verifier.check("Bearer x", "GET", ["/items/1", b"/items/1"]),  # type: ignore[list-item]
        lambda: verifier.check(7, "GET", "/"),  # type: ignore[arg-type]
        lambda: verifier.check([7], "GET", "/"),  # type: ignore[list-item]
    ]
    for call in wrong:
        with pytest.raises(ValidationError) as told:
            call()
        assert told.value.code == "invalid_option"
        assert told.value.hint


@pytest.mark.parametrize("path", ["items/1", "http://here/items/1", "", "*"])
def test_a_path_that_is_none_is_told_with_what_to_give(here: serving.Loopback, verifier: Verifier, path: str) -> None:
    with pytest.raises(RefusedError) as told:
        verifier.check(bearer(here, **READER), "GET", path)
    assert told.value.code == "path_unreadable"
    assert told.value.hint == "a path begins with `/`, and is given as it was sent, without its query"
