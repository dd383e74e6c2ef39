"""A refusal that explains itself: the table that every face runs, and answers to real calls."""

from __future__ import annotations

import json
import os
import pickle
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xacct_sign
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from emulator import REPOSITORY, Emulator, cli
from helpers import REGION, Answer, Request, serve, signed_headers, table
from xacct_sign import _native

TABLE = table("explain.toml")
SECRETS = ("SECRETTOKEN", "SECRETVALUE")


def codes(found: list[xacct_sign.Finding]) -> list[str]:
    return [each.code for each in found]


@pytest.mark.parametrize("case", TABLE["case"], ids=lambda case: case["name"])
def test_the_table_of_answers(case: dict[str, Any]) -> None:
    found = _native._explain(case["exchange"])
    assert codes(found) == case["code"]
    assert [each.side for each in found] == case["side"]
    assert say(found, case)
    for each in found:
        text = f"{each} {each!r} {each.reason} {each.hint}"
        assert not any(secret in text for secret in SECRETS)
        assert each == each
        assert str(each) == f"{each.code} ({each.side}): {each.reason}"


def say(found: list[xacct_sign.Finding], case: dict[str, Any]) -> bool:
    """Whether the texts have all that the row says."""
    texts = "\n".join(f"{each.reason}\n{each.hint}" for each in found)
    return all(part in texts for part in case.get("says", []))


@pytest.mark.parametrize("chain", TABLE["chain"], ids=lambda chain: chain["name"])
def test_the_table_of_chains(chain: dict[str, Any]) -> None:
    found = xacct_sign.diagnose(chain["evidence"])
    assert codes(found) == chain["code"]
    assert [each.side for each in found] == chain["side"]
    assert say(found, chain)


@pytest.mark.parametrize(
    "evidence",
    [
        {"bass": {}},
        {"bass": b""},
        {"base": []},
        {"clock": {"ahead_seconds": "1"}},
        [],
        "x",
        None,
        {"base": object()},
        {1: 2},
    ],
)
def test_what_is_no_evidence_is_refused(evidence: Any) -> None:
    with pytest.raises(xacct_sign.ValidationError) as raised:
        xacct_sign.diagnose(evidence)
    assert raised.value.code == "invalid_option"
    assert raised.value.hint


def test_a_body_may_be_bytes_as_clients_give_it() -> None:
    for body in (b'{"message":"Forbidden"}', bytearray(b'{"message":"Forbidden"}'), '{"message":"Forbidden"}'):
        assert codes(xacct_sign.diagnose({"call": {"exchange": {"status": 403, "body": body}}})) == ["forbidden"]
    binary = {"call": {"exchange": {"status": 403, "body": b"\xff\xfe"}}}
    assert codes(xacct_sign.diagnose(binary)) == ["refused_by_application"]


def rest_api(
    change: Callable[[AWSRequest], None] = lambda _: None, secret: str = "secret", region: str = REGION
) -> Callable[[Request], Answer]:
    """What a REST API answers that computes the signature by botocore, of a request that was changed on its way."""

    def answer(request: Request) -> Answer:
        names = signed_headers(request.headers["authorization"])
        headers = {name: request.headers[name] for name in names if name in request.headers}
        seen = AWSRequest(request.method, f"http://{request.headers['host']}{request.target}", headers, request.body)
        change(seen)
        seen.context["timestamp"] = request.headers["x-amz-date"]
        signer = SigV4Auth(Credentials("AKID", secret, "token"), "execute-api", region)
        canonical = signer.canonical_request(seen)
        to_sign = signer.string_to_sign(seen, canonical)
        message = (
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.\n\nThe Canonical String for "
            f"this request should have been\n'{canonical}'\n\nThe String-to-Sign should have been\n'{to_sign}'\n"
        )

        kind = {"content-type": "application/json", "x-amzn-errortype": "InvalidSignatureException"}
        return Answer(403, kind, json.dumps({"message": message}).encode())

    return answer


def set_path(seen: AWSRequest) -> None:
    seen.url = seen.url.replace("/v1", "")


def set_query(seen: AWSRequest) -> None:
    seen.url += "&utm=1"


def set_host(seen: AWSRequest) -> None:
    seen.headers.replace_header("host", "other.example.com")


def set_body(seen: AWSRequest) -> None:
    seen.data = b'{"foo": "bar"}'


def drop_token(seen: AWSRequest) -> None:
    del seen.headers["x-amz-security-token"]


def set_header(seen: AWSRequest) -> None:
    seen.headers.replace_header("content-type", "text/plain")


@pytest.mark.parametrize(
    ("change", "code", "shown"),
    [
        (set_path, "path_changed", "`/hoge`, signed was `/v1/hoge`"),
        (set_query, "query_changed", "`q=a%20b&utm=1`, signed was `q=a%20b`"),
        (set_host, "host_changed", "`host:other.example.com`"),
        (set_body, "body_changed", "the hash of the body"),
        (drop_token, "token_wrong", "x-amz-security-token"),
        (set_header, "header_changed", "`content-type:text/plain`, signed was `content-type:application/json`"),
    ],
)
def test_a_rest_api_says_what_was_changed_on_the_way(
    change: Callable[[AWSRequest], None], code: str, shown: str
) -> None:
    token = "SECRETTOKEN" * 8
    credentials = xacct_sign.Credentials("AKID", "SECRETVALUE", token)
    with serve(rest_api(change)) as server, xacct_sign.Session(credentials=credentials, region=REGION) as api:
        answer = api.put(f"{server.url}/v1/hoge", params={"q": "a b"}, json={"foo": "bar"})
    with pytest.raises(xacct_sign.HttpStatusError) as raised:
        answer.raise_for_status()
    found = raised.value.explain()
    assert codes(found) == [code]
    assert shown in found[0].reason
    assert not any(secret in str([str(each) for each in found]) for secret in SECRETS)


@pytest.mark.parametrize(("region", "code"), [(REGION, "secret_wrong"), ("us-east-1", "region_wrong")])
def test_where_all_lines_are_the_same_it_is_the_scope_or_the_secret(region: str, code: str) -> None:
    credentials = xacct_sign.Credentials("AKID", "another", "token")
    with serve(rest_api(region=region)) as server, xacct_sign.Session(credentials=credentials, region=REGION) as api:
        answer = api.get(f"{server.url}/a/../b//c:d%2Fe?x=1&a=&b=%C3%A4")
    with pytest.raises(xacct_sign.HttpStatusError) as raised:
        answer.raise_for_status()
    assert codes(raised.value.explain()) == [code]


def test_a_file_as_body_is_compared_too(tmp_path: Any) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"x" * 100_000)
    credentials = xacct_sign.Credentials("AKID", "another", "token")
    with (
        serve(rest_api()) as server,
        xacct_sign.Session(credentials=credentials, region=REGION) as api,
        path.open("rb") as body,
    ):
        answer = api.post(server.url, data=body)
    with pytest.raises(xacct_sign.HttpStatusError) as raised:
        answer.raise_for_status()
    assert codes(raised.value.explain()) == ["secret_wrong"]


def test_a_bare_forbidden_is_explained_as_far_as_can_be(start_emulator: Callable[..., Emulator]) -> None:
    for options, code in [((), "forbidden"), (("--explain",), "invoke_policy")]:
        emulator = start_emulator(*options, manifest=REPOSITORY / "tests" / "manifests" / "partner.toml")
        # The other caller's role may call some routes alone.
        role = emulator.assume_role("partner", external_id="b3c7-partner")
        with xacct_sign.Session(role) as api:
            answer = api.get(emulator.url("/nothing-for-you"))
        assert answer.status_code == 403
        with pytest.raises(xacct_sign.HttpStatusError) as raised:
            answer.raise_for_status()
        found = raised.value.explain()
        assert codes(found) == [code]
        assert found[0].side == "provider"


def test_a_streamed_answer_is_explained_by_what_was_read() -> None:
    credentials = xacct_sign.Credentials("AKID", "another", "token")
    with serve(rest_api(set_path)) as server, xacct_sign.Session(credentials=credentials, region=REGION) as api:
        for reads, code in [(True, "path_changed"), (False, "forbidden")]:
            with api.get(f"{server.url}/v1/hoge", stream=True) as answer:
                if reads:
                    assert answer.content
                with pytest.raises(xacct_sign.HttpStatusError) as raised:
                    answer.raise_for_status()
                assert codes(raised.value.explain()) == [code]


@pytest.mark.parametrize("reads", [True, False])
def test_a_body_that_nobody_read_is_not_an_empty_one(reads: bool) -> None:
    credentials = xacct_sign.Credentials("AKID", "secret", "token")
    forbidden = Answer(403, {"apigw-requestid": "Z3"}, b'{"message":"Forbidden"}')
    with (
        serve(lambda _: forbidden) as server,
        xacct_sign.Session(credentials=credentials, region=REGION) as api,
        api.get(server.url, stream=True) as answer,
    ):
        assert not reads or answer.content
        with pytest.raises(xacct_sign.HttpStatusError) as raised:
            answer.raise_for_status()
        assert codes(raised.value.explain()) == ["forbidden"]


def test_an_error_crosses_processes_and_leaves_the_credentials_behind() -> None:
    credentials = xacct_sign.Credentials("AKID", "SECRETVALUE", "SECRETTOKEN")
    with (
        serve(lambda _: Answer(403, {}, b'{"message":"Forbidden"}')) as server,
        xacct_sign.Session(credentials=credentials, region=REGION) as api,
    ):
        answer = api.get(server.url)
    with pytest.raises(xacct_sign.HttpStatusError) as raised:
        answer.raise_for_status()
    assert codes(raised.value.explain()) == ["forbidden"]
    pickled = pickle.dumps(raised.value)
    assert not any(secret.encode() in pickled for secret in SECRETS)
    there = pickle.loads(pickled)
    assert there.response.content == b'{"message":"Forbidden"}'
    assert there.explain() == []


def test_a_server_that_says_the_secrets_back() -> None:
    credentials = xacct_sign.Credentials("AKID", "SECRETVALUE", "SECRETTOKEN")
    for body in (b'{"message":"Forbidden SECRETTOKEN SECRETVALUE"}', b"SECRETTOKEN", b"SECRETVALUE\n"):
        answer = Answer(403, {"via": "1.1 SECRETTOKEN", "x-amzn-errortype": "SECRETVALUE"}, body)
        with (
            serve(lambda _, answer=answer: answer) as server,
            xacct_sign.Session(credentials=credentials, region=REGION) as api,
        ):
            response = api.get(server.url)
        with pytest.raises(xacct_sign.HttpStatusError) as raised:
            response.raise_for_status()
        found = raised.value.explain()
        assert found
        assert not any(secret in f"{each} {each.hint}" for each in found for secret in SECRETS)


def test_an_answer_below_400_keeps_nothing() -> None:
    credentials = xacct_sign.Credentials("AKID", "secret", "token")
    with serve(lambda _: Answer()) as server, xacct_sign.Session(credentials=credentials, region=REGION) as api:
        assert api.get(server.url)._sent is None


PRINTABLE = {"status", "headers", "body", "canonical_request"}
"""What an answer that was saved has of an exchange, and a file beside it."""


def by_command(tmp_path: Path, exchange: dict[str, Any], *more: str) -> tuple[str, str]:
    """What `xacct-sign explain` says of it, for people and for machines."""
    head = "".join(f"{name}: {value}\r\n" for name, value in exchange.get("headers", {}).items())
    status = f"HTTP/2 {exchange['status']}\r\n{head}\r\n" if "status" in exchange else ""
    (tmp_path / "answer").write_text(status + exchange.get("body", ""), newline="")
    arguments = [str(cli()), "explain", str(tmp_path / "answer"), *more]
    if "canonical_request" in exchange:
        (tmp_path / "canonical").write_text(f"{exchange['canonical_request']}\n")
        arguments += ["--canonical", str(tmp_path / "canonical")]
    said = [
        subprocess.run([*arguments, *json], capture_output=True, text=True, check=True) for json in ([], ["--json"])
    ]
    assert [each.stderr for each in said] == ["", ""]
    return said[0].stdout, said[1].stdout


@pytest.mark.parametrize(
    "case", [case for case in TABLE["case"] if case["exchange"].keys() <= PRINTABLE], ids=lambda case: case["name"]
)
def test_the_table_by_the_command(case: dict[str, Any], tmp_path: Path) -> None:
    text, said = by_command(tmp_path, case["exchange"])
    findings = json.loads(said)["findings"]
    assert [each["code"] for each in findings] == case["code"]
    assert [each["side"] for each in findings] == case["side"]
    assert not any(secret in text + said for secret in SECRETS)
    for each in findings:
        assert f"{each['code']} ({each['side']}): {each['reason']}\n  hint: {each['hint']}\n" in text
    if not findings:
        assert text == "nothing in it says that a call was refused\n"


@pytest.mark.parametrize(
    "case",
    [case for case in TABLE["case"] if case["exchange"].get("has_bearer") and "body" in case["exchange"]],
    ids=lambda case: case["name"],
)
def test_the_command_is_told_that_a_token_was_sent(case: dict[str, Any], tmp_path: Path) -> None:
    said = json.loads(by_command(tmp_path, case["exchange"], "--identity")[1])["findings"]
    assert [each["code"] for each in said] == case["code"]


def test_the_command_reads_standard_input_and_of_several_answers_the_last() -> None:
    printed = (
        'HTTP/1.1 307 Temporary Redirect\r\nlocation: /b\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n{"message":"Not Found"}'
    )
    done = subprocess.run([cli(), "explain"], input=printed, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("route_missing (caller): ")


def test_the_command_says_that_it_reads_from_a_terminal() -> None:
    ours, terminal = pty.openpty()
    with subprocess.Popen(
        [cli(), "explain"], stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as command:
        assert command.stderr
        assert b"is read from this terminal" in command.stderr.readline()
        # What the end of a file is on a terminal, on a line of its own.
        os.write(ours, b'{"message":"Not Found"}\n\x04')
        said, more = command.communicate()
    os.close(ours)
    os.close(terminal)
    assert said.startswith(b"route_missing (caller): ")
    assert more == b""


def test_what_the_command_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\x89PNG\r\n\x1a\n\0")
    (tmp_path / "answer").write_text('{"message":"Forbidden"}')
    for name, code in [("nothing", "file_unreadable"), ("binary", "file_not_text"), (".", "file_unreadable")]:
        for arguments in ([str(tmp_path / name)], ["--canonical", str(tmp_path / name), str(tmp_path / "answer")]):
            done = subprocess.run([cli(), "explain", *arguments], capture_output=True, text=True, check=False)
            # curl's code of what cannot be read.
            assert (done.returncode, done.stdout) == (26, "")
            assert done.stderr.startswith(f"error[{code}]: ")
