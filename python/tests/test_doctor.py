"""`xacct-sign doctor` against a chain that is broken in one place: it names that link, and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from doctoring import (
    Passing,
    Way,
    doctor,
    drop_date,
    drop_signature,
    drop_token,
    environment_of,
    nothing,
    policy_file,
    set_bearer,
    set_body,
    set_header,
    set_host,
    set_path,
)
from emulator import DEMO, PARTNER, REPOSITORY, Emulator, cli
from helpers import EXTERNAL_ID, Answer, Clock, Request, serve, sts_error
from secure import serve_securely

NOBODY = "arn:aws:iam::222222222222:role/ApiAllowByIamRoleStag"


def add_query(passing: Passing) -> None:
    passing.target += "&utm=1" if "?" in passing.target else "?utm=1"


def test_nothing_is_broken(start: Callable[..., Emulator]) -> None:
    emulator = start()
    told = doctor(environment_of(emulator), emulator.url("/hoge"), "--role", emulator.role_arn())
    assert told.codes == []
    for link in ("URL", "credentials", "who you are", "clock", "role", "call"):
        assert f"{link:12} ok " in told.text
    assert told.text.endswith("nothing is broken\n")


def test_a_third_party_with_its_external_id(start: Callable[..., Emulator]) -> None:
    emulator = start(manifest=PARTNER)
    role = ("--role", emulator.role_arn("partner"), "--external-id", EXTERNAL_ID)
    told = doctor(environment_of(emulator, "partner"), emulator.url("/hoge"), "-X", "PUT", *role)
    assert told.codes == []
    assert "external id  ok      needed" in told.text


def test_an_external_id_that_nobody_asks_for(start: Callable[..., Emulator]) -> None:
    emulator = start()
    role = ("--role", emulator.role_arn(), "--external-id", EXTERNAL_ID)
    assert doctor(environment_of(emulator), emulator.url("/hoge"), *role).codes == ["external_id_unchecked"]


def test_trust(start: Callable[..., Emulator], explains: bool) -> None:
    # The shop's policy is made wider, the trust of the partner's role is not.
    policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}}
    with policy_file(policy) as file:
        emulator = start("--caller-policy", f"shop={file}", manifest=PARTNER)
    told = doctor(environment_of(emulator), emulator.url("/hoge"), "--role", emulator.role_arn("partner"))
    assert told.codes == (["trust_policy"] if explains else ["assume_role_denied"])
    if not explains:
        for part in ("trust policy", "external id", "sts:AssumeRole", "LambdaRoleDeve"):
            assert part in told.findings[0]["hint"]


@pytest.mark.parametrize("given", [None, "another-id"])
def test_external_id(start: Callable[..., Emulator], explains: bool, given: str | None) -> None:
    emulator = start(manifest=PARTNER)
    role = ["--role", emulator.role_arn("partner"), *(["--external-id", given] if given else [])]
    told = doctor(environment_of(emulator, "partner"), emulator.url("/hoge"), "-X", "PUT", *role)
    assert told.codes == (["external_id"] if explains else ["assume_role_denied"])


def test_the_callers_policy(start: Callable[..., Emulator], explains: bool) -> None:
    policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    with policy_file(policy) as file:
        emulator = start("--caller-policy", f"shop={file}")
    told = doctor(environment_of(emulator), emulator.url("/hoge"), "--role", emulator.role_arn())
    assert told.codes == (["caller_policy"] if explains else ["assume_role_denied"])


def test_the_invoke_policy(start: Callable[..., Emulator], explains: bool) -> None:
    emulator = start(manifest=PARTNER)
    role = ("--role", emulator.role_arn("partner"), "--external-id", EXTERNAL_ID)
    told = doctor(environment_of(emulator, "partner"), emulator.url("/nothing-for-you"), *role)
    assert told.codes == (["invoke_policy"] if explains else ["forbidden"])
    assert told.findings[0]["side"] == "provider"


def test_the_region(start: Callable[..., Emulator]) -> None:
    emulator = start()
    role = ("--role", emulator.role_arn(), "--region", "us-east-1")
    assert doctor(environment_of(emulator), emulator.url("/hoge"), *role).codes == ["region_wrong"]


def test_a_region_that_is_not_the_hosts(emulator: Emulator) -> None:
    url = "https://abc.execute-api.eu-west-1.amazonaws.com/hoge"
    role = ("--role", emulator.role_arn(), "--region", "us-east-1")
    assert doctor(environment_of(emulator), url, *role).codes == ["region_wrong"]
    service = ("--role", emulator.role_arn(), "--service", "lambda")
    assert doctor(environment_of(emulator), url, *service).codes == ["service_wrong"]


def test_the_host(emulator: Emulator) -> None:
    told = doctor(environment_of(emulator), "https://api.example.invalid/hoge", "--role", emulator.role_arn())
    assert told.codes == ["host_unknown"]
    assert "api.example.invalid" in told.findings[0]["reason"]


@pytest.mark.parametrize("seconds", [-1200, -400, 400, 1200])
def test_the_clock(start: Callable[..., Emulator], tmp_path: Path, seconds: int) -> None:
    emulator = start()
    clock = Clock(tmp_path / "clock")
    clock.move(timedelta(seconds=seconds))
    environment = environment_of(emulator) | clock.environment
    told = doctor(environment, emulator.url("/hoge"), "--role", emulator.role_arn())
    # The call itself passes: what was learned of the clock is applied.
    assert told.codes == ["clock_off"]
    assert "call         ok " in told.text


def test_the_base_has_expired(emulator: Emulator, tmp_path: Path) -> None:
    said = {
        "Version": 1,
        "AccessKeyId": "ASIA",
        "SecretAccessKey": "s",
        "SessionToken": "t",
        "Expiration": "2020-01-01T00:00:00Z",
    }
    (tmp_path / "said.json").write_text(json.dumps(said))
    (tmp_path / "config").write_text(f"[default]\ncredential_process = cat {tmp_path}/said.json\n")
    environment = environment_of(emulator) | {"AWS_CONFIG_FILE": str(tmp_path / "config")}
    del environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], environment["AWS_SESSION_TOKEN"]
    told = doctor(environment, emulator.url("/hoge"), "--role", emulator.role_arn())
    assert told.codes == ["base_expired"]


def test_sts_says_that_the_base_has_expired(emulator: Emulator) -> None:
    expired = sts_error(403, "ExpiredToken", "The security token included in the request is expired")
    with serve(lambda _: expired) as sts:
        environment = environment_of(emulator) | {"AWS_ENDPOINT_URL_STS": sts.url}
        told = doctor(environment, emulator.url("/hoge"), "--role", emulator.role_arn())
    assert told.codes == ["base_expired"]


def test_the_base_is_missing(emulator: Emulator) -> None:
    environment = environment_of(emulator)
    del environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], environment["AWS_SESSION_TOKEN"]
    told = doctor(environment, emulator.url("/hoge"), "--role", emulator.role_arn())
    assert told.codes == ["base_missing"]
    told = doctor(environment, emulator.url("/hoge"), "--role", emulator.role_arn(), "--profile", "nobody")
    assert told.codes == ["base_missing"]


def test_a_secret_of_another_key(start: Callable[..., Emulator]) -> None:
    emulator = start()
    environment = environment_of(emulator) | {"AWS_SECRET_ACCESS_KEY": "of-another-key"}
    assert doctor(environment, emulator.url("/hoge"), "--role", emulator.role_arn()).codes == ["secret_wrong"]


def test_a_key_that_nobody_knows(start: Callable[..., Emulator]) -> None:
    emulator = start()
    environment = environment_of(emulator) | {"AWS_ACCESS_KEY_ID": "ASIANOBODY"}
    assert doctor(environment, emulator.url("/hoge"), "--role", emulator.role_arn()).codes == ["credentials_unknown"]


def test_a_wrong_account(start: Callable[..., Emulator], explains: bool) -> None:
    emulator = start()
    told = doctor(environment_of(emulator), emulator.url("/hoge"), "--role", NOBODY)
    assert told.codes == (["role_missing"] if explains else ["assume_role_denied"])
    # Without a role it is the caller's own account that calls.
    told = doctor(environment_of(emulator), emulator.url("/hoge"))
    assert told.codes == (["wrong_account"] if explains else ["forbidden"])
    assert "role" in told.findings[0]["hint"]


def test_the_route(start: Callable[..., Emulator], tmp_path: Path) -> None:
    manifest = tmp_path / "xacct.toml"
    manifest.write_text(DEMO.read_text().replace("[stages.stag]", '[stages.stag]\napi_stage = "v1"'))
    emulator = start(manifest=manifest)
    role = ("--role", emulator.role_arn())
    url = emulator.url().removesuffix("/v1")
    assert doctor(environment_of(emulator), f"{url}/v1/hoge", *role).codes == []
    assert doctor(environment_of(emulator), f"{url}/hoge", *role).codes == ["route_missing"]


@pytest.mark.parametrize(
    ("change", "plain", "explained"),
    [
        (nothing, [], []),
        # A signature in the URL passes, since the token is in it, too.
        (drop_token, ["header_dropped"], ["token_wrong"]),
        (drop_signature, ["header_dropped"], ["header_dropped"]),
        (drop_date, ["header_dropped"], ["header_dropped"]),
        (set_bearer, ["header_dropped"], ["header_changed"]),
        # Without a body the call passes.
        (set_body, ["body_changed"], ["body_changed"]),
        (set_host, ["forbidden"], ["signature_mismatch"]),
        (set_path, ["forbidden"], ["signature_mismatch"]),
        (set_header, ["forbidden"], ["signature_mismatch"]),
        # The URL had no query that its sender could have left unsigned.
        (add_query, ["forbidden"], ["query_changed"]),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_what_is_changed_on_the_way(
    start: Callable[..., Emulator],
    explains: bool,
    change: Callable[[Passing], None],
    plain: list[str],
    explained: list[str],
) -> None:
    emulator = start()
    with serve(Way(emulator.url(), change)) as way:
        request = ("-X", "PUT", "-d", '{"a":1}', "-H", "x-mine: 1", "--role", emulator.role_arn())
        told = doctor(environment_of(emulator), f"{way.url}/hoge", *request)
    assert told.codes == (explained if explains else plain)
    for finding in told.findings:
        assert finding["side"] == ("provider" if finding["code"] == "forbidden" else "network")


def test_a_proxy_that_leaves_its_mark_is_named_beside(start_emulator: Callable[..., Emulator]) -> None:
    emulator = start_emulator()

    def squid(request: Request) -> Answer:
        answer = Way(emulator.url(), set_path)(request)
        answer.headers["via"] = "1.1 squid"
        return answer

    with serve(squid) as way:
        told = doctor(environment_of(emulator), f"{way.url}/hoge", "--role", emulator.role_arn())
    assert told.codes == ["forbidden", "proxy_between"]


def test_a_login_page(emulator: Emulator) -> None:
    page = Answer(403, {"content-type": "text/html", "server": "nginx"}, b"<!DOCTYPE html><title>Sign in</title>")
    with serve(lambda _: page) as portal:
        told = doctor(environment_of(emulator), portal.url, "--role", emulator.role_arn())
    assert told.codes == ["not_the_api"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_login_page_that_is_given_as_a_success(emulator: Emulator, method: str) -> None:
    page = Answer(200, {"content-type": "text/html"}, b"<!DOCTYPE html><title>Sign in</title>")
    with serve(lambda _: page) as portal:
        told = doctor(environment_of(emulator), portal.url, "-X", method, "--role", emulator.role_arn())
    assert told.codes == ["not_the_api"]


def test_a_dead_proxy(emulator: Emulator) -> None:
    environment = environment_of(emulator) | {"HTTPS_PROXY": "http://127.0.0.1:1"}
    told = doctor(environment, "https://api.example.com/hoge", "--role", emulator.role_arn())
    assert told.codes == ["proxy_failed"]
    environment = environment_of(emulator) | {"HTTPS_PROXY": "socks5://127.0.0.1:1"}
    told = doctor(environment, "https://api.example.com/hoge", "--role", emulator.role_arn())
    assert told.codes == ["proxy_failed"]


def test_a_redirect_to_a_login_page(emulator: Emulator) -> None:
    away = Answer(302, {"location": "https://login.example.org/start?next=secret"})
    with serve(lambda _: away) as portal:
        told = doctor(environment_of(emulator), portal.url, "--role", emulator.role_arn())
    assert told.codes == ["not_the_api"]
    assert "`login.example.org`" in told.findings[0]["reason"]
    assert "call         broken  the answer is 302, a redirect to https://login.example.org/start" in told.text
    assert "next=secret" not in told.text


def test_where_redirects_lead_is_said(emulator: Emulator) -> None:
    def api(request: Request) -> Answer:
        if request.target == "/data":
            return Answer(302, {"apigw-requestid": "x", "location": "https://bucket.s3.amazonaws.com/data?signed=1"})
        return Answer(201) if request.target == "/b/" else Answer(307, {"location": "/b/"})

    with serve(api) as server:
        away = doctor(environment_of(emulator), f"{server.url}/data", "-X", "POST", "--role", emulator.role_arn())
        within = doctor(environment_of(emulator), f"{server.url}/b", "-X", "POST", "--role", emulator.role_arn())
    # An API may send its callers to S3.
    assert away.codes == []
    assert "the answer is 302, a redirect to https://bucket.s3.amazonaws.com/data that is not followed" in away.text
    assert within.codes == []
    assert f"the answer is 201, by a redirect to {server.url}/b/\n" in within.text


def test_an_api_that_answers_whoever_has_not_signed(emulator: Emulator) -> None:
    with serve() as server:
        told = doctor(environment_of(emulator), server.url, "--role", emulator.role_arn())
        assert told.codes == ["open_to_all"]
        assert told.findings[0]["side"] == "provider"
        # Where a call may do something, it is made once.
        server.requests.clear()
        assert doctor(environment_of(emulator), server.url, "-X", "PUT", "--role", emulator.role_arn()).codes == []
        assert ["authorization" in request.headers for request in server.requests] == [True] * 2


def test_what_was_signed_for_is_said_where_the_host_does_not_say_it(
    start: Callable[..., Emulator], explains: bool
) -> None:
    emulator = start()
    role = ("--role", emulator.role_arn(), "--service", "lambda")
    told = doctor(environment_of(emulator), emulator.url("/hoge"), *role)
    assert told.codes == (["service_wrong"] if explains else ["forbidden"])
    if not explains:
        assert f"signed for `lambda` in `{emulator.region}`" in told.findings[0]["hint"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"Forbidden", "text/plain; charset=utf-8"),
        (b'{"statusCode":403,"message":"Forbidden"}', "application/json"),
        (b'{"code":"locked","message":"order 7 is locked"}', "application/json"),
        (b'{"message":"Forbidden"}', "application/json; charset=utf-8"),
    ],
)
def test_what_an_applications_framework_says_is_sent_once(
    start_emulator: Callable[..., Emulator], body: bytes, kind: str
) -> None:
    # Behind the gateway, whose mark is on the answer.
    with serve(lambda _: Answer(403, {"content-type": kind}, body)) as application:
        emulator = start_emulator("--upstream", application.url)
        told = doctor(environment_of(emulator), emulator.url(), "-d", "amount=100", "--role", emulator.role_arn())
    assert told.codes == ["refused_by_application"]
    # By each of the doctor's two runs: once.
    assert len(application.requests) == 2


def test_something_between_here_and_sts_refuses(emulator: Emulator) -> None:
    with serve(lambda _: Answer(403, {"server": "gate"}, b"blocked by category: clouds")) as gate:
        environment = environment_of(emulator) | {"AWS_ENDPOINT_URL_STS": gate.url}
        told = doctor(environment, emulator.url("/hoge"), "--role", emulator.role_arn())
    assert told.codes == ["not_the_api"]
    assert told.findings[0]["side"] == "network"


@pytest.fixture
def untrusted(tmp_path: Path) -> Iterator[str]:
    with serve_securely(tmp_path) as server:
        yield server.url


def test_an_untrusted_certificate(emulator: Emulator, untrusted: str) -> None:
    told = doctor(environment_of(emulator), f"{untrusted}/hoge", "--role", emulator.role_arn())
    assert told.codes == ["certificate_untrusted"]
    # At STS, too.
    environment = environment_of(emulator) | {"AWS_ENDPOINT_URL_STS": untrusted}
    assert doctor(environment, emulator.url("/hoge"), "--role", emulator.role_arn()).codes == ["certificate_untrusted"]


def test_sts_is_not_reached(emulator: Emulator) -> None:
    for url, code in [("http://127.0.0.1:1", "sts_unreachable"), ("https://sts.example.invalid", "host_unknown")]:
        environment = environment_of(emulator) | {"AWS_ENDPOINT_URL_STS": url}
        told = doctor(environment, emulator.url("/hoge"), "--role", emulator.role_arn())
        assert told.codes == [code]
        assert "STS" in told.findings[0]["reason"]


def test_the_api_is_not_reached(emulator: Emulator) -> None:
    told = doctor(environment_of(emulator), "http://127.0.0.1:1/hoge", "--role", emulator.role_arn())
    assert told.codes == ["api_unreachable"]


def test_what_takes_the_signature_off_on_the_way_to_sts(start: Callable[..., Emulator]) -> None:
    emulator = start()
    with serve(Way(emulator.sts_url, drop_signature)) as way:
        environment = environment_of(emulator) | {"AWS_ENDPOINT_URL_STS": way.url}
        told = doctor(environment, emulator.url("/hoge"), "--role", emulator.role_arn())
    assert told.codes == ["header_dropped"]
    assert told.findings[0]["side"] == "network"


def test_sts_throttles_and_fails(emulator: Emulator) -> None:
    for answer, code in [
        (sts_error(400, "Throttling", "Rate exceeded"), "sts_throttled"),
        (sts_error(500, "InternalFailure", "The request processing has failed"), "sts_failed"),
        (sts_error(403, "RegionDisabledException", "STS is not activated in this region"), "region_disabled"),
        (Answer(200, {"content-type": "text/html"}, b"<html>welcome</html>"), "not_the_api"),
    ]:
        with serve(lambda _, answer=answer: answer) as sts:
            environment = environment_of(emulator) | {"AWS_ENDPOINT_URL_STS": sts.url}
            assert doctor(environment, emulator.url("/hoge"), "--role", emulator.role_arn()).codes == [code]


def test_an_endpoint_that_lets_nothing_but_assume_role_through(emulator: Emulator) -> None:
    denied = sts_error(403, "AccessDenied", "User: arn:aws:iam::000000000000:user/x is not authorized to perform: x")

    def endpoint(request: Request) -> Answer:
        return denied if b"GetCallerIdentity" in request.body else Way(emulator.sts_url, nothing)(request)

    with serve(endpoint) as sts:
        environment = environment_of(emulator) | {"AWS_ENDPOINT_URL_STS": sts.url}
        told = doctor(environment, emulator.url("/hoge"), "--role", emulator.role_arn())
    assert told.codes == []
    assert "STS does not say" in told.text


def test_the_api_behind_the_gateway_fails(start: Callable[..., Emulator]) -> None:
    emulator = start("--upstream", "http://127.0.0.1:1")
    told = doctor(environment_of(emulator), emulator.url("/hoge"), "--role", emulator.role_arn())
    assert told.codes == ["api_failed"]


@pytest.mark.parametrize("url", ["hoge", "http://api.example.com/", "ftp://api.example.com/"])
def test_a_url_that_cannot_be_called(emulator: Emulator, url: str) -> None:
    assert doctor(environment_of(emulator), url, "--role", emulator.role_arn()).codes == ["input_invalid"]


def test_an_answer_of_the_apis_own_is_no_fault(emulator: Emulator) -> None:
    with serve(lambda _: Answer(409, {"apigw-requestid": "x"}, b'{"error":"there is one"}')) as server:
        assert doctor(environment_of(emulator), server.url, "--role", emulator.role_arn()).codes == []


def test_what_the_application_refuses_is_its_own_and_is_sent_once(emulator: Emulator) -> None:
    refused = Answer(403, {"content-type": "application/json"}, b'{"error":"amount over your limit"}')
    with serve(lambda _: refused) as server:
        told = doctor(environment_of(emulator), server.url, "-d", "amount=100", "--role", emulator.role_arn())
    assert told.codes == ["refused_by_application"]
    assert "amount over your limit" in told.text
    # By each of the doctor's two runs, as text and as JSON: once.
    assert [(request.method, request.target) for request in server.requests] == [("POST", "/")] * 2


def test_the_commands_of_the_page_run(start_emulator: Callable[..., Emulator], tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "troubleshooting.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.M | re.S)
    # One is of a server, and run in test_doctor_servers.py.
    blocks = [block for block in blocks if "--identity" not in block]
    assert len(blocks) == 2
    emulator = start_emulator("--explain")
    (tmp_path / "xacct-sign").symlink_to(cli())
    environment = environment_of(emulator)
    environment["PATH"] = f"{tmp_path}{os.pathsep}{environment['PATH']}"
    said = []
    for block in blocks:
        commands = block.replace("https://server.stag.foo.example.com", emulator.url())
        done = subprocess.run(
            ["sh", "-e", "-c", commands], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        said.append(done.stdout)
    assert said[0].endswith("nothing is broken\n")
    assert said[1].startswith("wrong_account (caller): ")
