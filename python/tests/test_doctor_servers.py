"""`xacct-sign doctor --identity` against a server without API Gateway, broken in one place."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import flask
import pytest
from doctoring import Told, Way, doctor, environment_of, nothing, policy_file
from emulator import REPOSITORY, Emulator, cli
from helpers import Answer, Clock, Request, serve, sts_error
from werkzeug.serving import make_server
from xacct_sign.server import Verifier
from xacct_sign.server.wsgi import CallerMiddleware

AUDIENCE = "https://api.example.com"
MANIFEST = """
[api]
account = "111111111111"
region = "ap-northeast-1"
[identity]
audience = "https://api.example.com"
[stages.stag]
target = "server"
[stages.http]
api_id = "f6g7h8i9j0"
[callers.shop]
account = "000000000000"
issuer = "https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws"
roles = { stag = "LambdaRoleDeve", http = "LambdaRoleDeve" }
routes = ["GET /items", "POST /items"]
[callers.batch]
account = "222222222222"
roles = { stag = "Batch" }
[callers.other]
account = "333333333333"
issuer = "https://b103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws"
roles = { http = "Other" }
"""
ANYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "xacct.toml"
    path.write_text(MANIFEST)
    return path


def told_of(
    emulator: Emulator, *more: str, url: str | None = None, name: str = "shop", stage: str = "stag", **variables: str
) -> Told:
    environment = environment_of(emulator, name, stage) | variables
    return doctor(environment, url or emulator.url("/items"), "--identity", AUDIENCE, *more)


WAYS = pytest.mark.parametrize("way", [(), ("--proof",)], ids=["token", "proof"])


@WAYS
def test_nothing_is_broken(start: Callable[..., Emulator], manifest: Path, way: tuple[str, ...]) -> None:
    emulator = start(manifest=manifest)
    told = told_of(emulator, *way)
    assert told.codes == []
    kind = "proof" if way else "token"
    for link in ("URL", "credentials", "who you are", "clock", kind, "call", "by nobody"):
        assert f"{link:12} ok " in told.text
    assert f"without a {kind} the answer is 401" in told.text
    # What may do something is done once.
    assert "by nobody" not in told_of(emulator, *way, "-X", "POST", "-d", "a=b").text


def test_the_account_gives_no_tokens(start: Callable[..., Emulator], manifest: Path) -> None:
    emulator = start(manifest=manifest)
    disable = urllib.request.Request(f"{emulator.sts_url}/issuers/000000000000/disable", method="POST")
    urllib.request.urlopen(disable).close()
    told = told_of(emulator)
    assert told.codes == ["issuer_disabled"]
    assert told.findings[0]["side"] == "caller"
    assert "enable-outbound-web-identity-federation" in told.findings[0]["hint"]
    assert "call " not in told.text
    assert told_of(emulator, "--proof").codes == []


def test_the_callers_own_policy(start: Callable[..., Emulator], manifest: Path) -> None:
    with policy_file(ANYTHING | {"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}) as file:
        emulator = start("--caller-policy", f"shop={file}", manifest=manifest)
    told = told_of(emulator)
    assert told.codes == ["caller_policy"]
    assert "sts:GetWebIdentityToken" in told.findings[0]["reason"] + told.findings[0]["hint"]


@WAYS
def test_another_audience(start: Callable[..., Emulator], explains: bool, manifest: Path, way: tuple[str, ...]) -> None:
    with policy_file(ANYTHING) as file:
        emulator = start("--caller-policy", f"shop={file}", manifest=manifest)
    arguments = ("--identity", "https://api.example.com/", *way)
    told = doctor(environment_of(emulator), emulator.url("/items"), *arguments)
    # STS does not say of a proof in what it is wrong.
    assert told.codes == (["audience_wrong"] if explains and not way else ["identity_refused"])
    assert "audience" in told.findings[0]["hint"]
    if not explains:
        assert "`https://api.example.com/`" in told.findings[0]["hint"]
        assert "its log has the reason" in told.findings[0]["hint"]


@WAYS
@pytest.mark.parametrize("seconds", [-1200, 1200])
def test_the_callers_clock(
    start: Callable[..., Emulator], manifest: Path, tmp_path: Path, seconds: int, way: tuple[str, ...]
) -> None:
    emulator = start(manifest=manifest)
    clock = Clock(tmp_path / "clock")
    clock.move(timedelta(seconds=seconds))
    told = told_of(emulator, *way, **clock.environment)
    assert told.codes == ["clock_off"]
    assert told.findings[0]["side"] == "caller"
    assert "call         ok " in told.text


@pytest.mark.parametrize(
    ("seconds", "lives", "is_off"), [(-90, "5m", True), (90, "5m", False), (90, "1m", True), (400, "5m", True)]
)
def test_the_servers_clock(
    start_emulator: Callable[..., Emulator], manifest: Path, seconds: int, lives: str, is_off: bool
) -> None:
    """Who is ahead refuses a token only when it is over by that clock."""
    emulator = start_emulator(manifest=manifest)

    def refuse(_: Request) -> Answer:
        date = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=seconds), usegmt=True)
        return Answer(401, {"www-authenticate": "Bearer", "date": date}, b"")

    with serve(refuse) as server:
        told = told_of(emulator, "--expires-in", lives, url=server.url)
    assert told.codes == (["clock_off"] if is_off else ["identity_refused"])
    assert told.findings[0]["side"] == "provider"
    if not is_off:
        return
    assert ("ahead of AWS's" if seconds > 0 else "behind AWS's") in told.findings[0]["reason"]


@pytest.mark.parametrize("is_failing", [False, True])
def test_a_proof_asks_no_sts_on_the_callers_side(
    start_emulator: Callable[..., Emulator], manifest: Path, is_failing: bool
) -> None:
    emulator = start_emulator(manifest=manifest)
    with serve() as gone:
        pass
    with serve(lambda _: Answer(503)) as failing:
        sts = {"AWS_ENDPOINT_URL_STS": failing.url if is_failing else gone.url}
        told = told_of(emulator, "--proof", **sts)
        assert told.codes == []
        assert "who you are  unknown " in told.text
        assert "call         ok " in told.text
        assert told.text.endswith("nothing is broken, as far as it could be told\n")
        # These ask it.
        code = "sts_failed" if is_failing else "sts_unreachable"
        assert told_of(emulator, **sts).codes == [code]
        assert told_of(emulator, "--proof", "--role", emulator.role_arn(stage="http"), **sts).codes == [code]


@pytest.mark.parametrize("seconds", [-400, 400, 200])
def test_a_proof_that_is_dated_by_this_machine(
    start_emulator: Callable[..., Emulator], manifest: Path, seconds: int
) -> None:
    emulator = start_emulator(manifest=manifest)

    def refuse(_: Request) -> Answer:
        date = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=seconds), usegmt=True)
        return Answer(401, {"www-authenticate": "Bearer", "date": date}, b"")

    with serve() as gone:
        pass
    with serve(refuse) as server:
        told = told_of(emulator, "--proof", url=server.url, AWS_ENDPOINT_URL_STS=gone.url)
    assert told.codes == (["identity_refused"] if seconds == 200 else ["clock_off"])


def test_a_region_whose_sts_makes_no_tokens(start_emulator: Callable[..., Emulator], manifest: Path) -> None:
    emulator = start_emulator(manifest=manifest)
    unknown = sts_error(400, "InvalidAction", "Could not find operation GetWebIdentityToken for version 2011-06-15")
    inactive = sts_error(403, "RegionDisabledException", "STS is not activated in this region for account:000000000000")
    for answer, code in [(unknown, "tokens_unavailable"), (inactive, "region_disabled")]:

        def sts(request: Request, answer: Answer = answer) -> Answer:
            return answer if b"GetWebIdentityToken" in request.body else Way(emulator.sts_url, nothing)(request)

        with serve(sts) as way:
            told = told_of(emulator, AWS_ENDPOINT_URL_STS=way.url)
        assert told.codes == [code]
        assert "call " not in told.text


def test_no_region(start_emulator: Callable[..., Emulator], manifest: Path) -> None:
    emulator = start_emulator(manifest=manifest)
    told = told_of(emulator, AWS_REGION="")
    assert told.codes == ["region_wrong"]
    assert "--region" in told.findings[0]["hint"]


@WAYS
def test_a_caller_that_is_not_in_the_list(
    start: Callable[..., Emulator], explains: bool, manifest: Path, way: tuple[str, ...]
) -> None:
    with policy_file(ANYTHING) as file:
        emulator = start("--caller-policy", f"other={file}", manifest=manifest)
    told = told_of(emulator, *way, name="other", stage="http")
    assert told.codes == (["caller_unlisted"] if explains else ["identity_refused"])
    assert told.findings[0]["side"] == "provider"
    assert explains or "list of callers" in told.findings[0]["hint"]


def test_a_caller_whose_issuer_is_not_in_the_list(
    start: Callable[..., Emulator], explains: bool, manifest: Path
) -> None:
    with policy_file(ANYTHING) as file:
        emulator = start("--caller-policy", f"batch={file}", manifest=manifest)
    told = told_of(emulator, name="batch")
    assert told.codes == (["caller_unlisted"] if explains else ["identity_refused"])
    assert "by proof     ok      with a proof in place of the token the answer is 200" in told.text
    issuer = f"{emulator.sts_url}/issuers/222222222222"
    assert issuer in told.findings[0]["reason"] + told.findings[0]["hint"]
    assert told_of(emulator, "--proof", name="batch").codes == []


@WAYS
def test_a_call_that_the_caller_may_not_make(
    start: Callable[..., Emulator], manifest: Path, way: tuple[str, ...]
) -> None:
    emulator = start(manifest=manifest)
    told = told_of(emulator, *way, url=emulator.url("/admin"))
    assert told.codes == ["route_refused"]
    assert told.findings[0]["side"] == "provider"


@pytest.mark.parametrize("body", [b"", b'{"detail":"Service Unavailable"}'])
@WAYS
def test_a_server_that_cannot_check(
    start_emulator: Callable[..., Emulator], manifest: Path, way: tuple[str, ...], body: bytes
) -> None:
    emulator = start_emulator(manifest=manifest)
    with serve(lambda _: Answer(503, {"content-type": "application/json"}, body)) as server:
        told = told_of(emulator, *way, url=server.url)
    assert told.codes == ["identity_unchecked"]
    assert ("STS in `ap-northeast-1`" if way else f"{emulator.sts_url}/issuers/") in told.findings[0]["hint"]


@pytest.mark.parametrize(
    ("status", "body", "codes"),
    [
        (401, b'{"error":"log in"}', ["refused_by_application"]),
        (403, b"order 7 is locked", ["refused_by_application"]),
        (500, b"", ["api_failed"]),
        (503, b"down for repairs", ["api_failed"]),
        (404, b"", ["route_missing"]),
        (409, b"no such day", []),
    ],
)
def test_what_the_application_says(
    start_emulator: Callable[..., Emulator], manifest: Path, status: int, body: bytes, codes: list[str]
) -> None:
    emulator = start_emulator(manifest=manifest)
    with serve(lambda _: Answer(status, {}, body)) as server:
        assert told_of(emulator, url=server.url).codes == codes


def test_a_server_that_says_the_token_back(start_emulator: Callable[..., Emulator], manifest: Path) -> None:
    emulator = start_emulator(manifest=manifest)
    said: list[str] = []

    def back(request: Request) -> Answer:
        said.append(request.headers["authorization"].removeprefix("Bearer "))
        return Answer(403, {}, f"what is {said[-1]}?".encode())

    with serve(back) as server:
        told = told_of(emulator, url=server.url)
    assert told.codes == ["refused_by_application"]
    assert "what is …?" in told.findings[0]["reason"]
    assert not any(token in told.text for token in said)


def test_a_server_that_asks_nobody(start_emulator: Callable[..., Emulator], manifest: Path) -> None:
    emulator = start_emulator(manifest=manifest)
    with serve() as server:
        told = told_of(emulator, url=server.url)
    assert told.codes == ["open_to_all"]
    assert "the server" in told.findings[0]["hint"]


@pytest.mark.parametrize("status", [400, 405, 415, 422])
@pytest.mark.parametrize("by_nobody", [None, 401, 403, 404, 503])
def test_a_server_that_answers_before_it_asks_who_calls(
    start_emulator: Callable[..., Emulator], manifest: Path, status: int, by_nobody: int | None
) -> None:
    """As FastAPI's routes and bodies do, with a dependency that asks."""
    emulator = start_emulator(manifest=manifest)

    def answer(request: Request) -> Answer:
        return Answer(status if "authorization" in request.headers else by_nobody or status, {}, b"as it is")

    with serve(answer) as server:
        # With 400 and 422 part of the work may be done.
        method = "DELETE" if status in (405, 415) else "GET"
        told = told_of(emulator, "-X", method, url=server.url)
        # Twice by the caller, for people and for machines.
        assert [request.method for request in server.requests] == [method] * 4
    is_let_in = by_nobody in (401, 403)
    assert told.codes == ([] if by_nobody else ["caller_unasked"])
    assert (f"call         ok      the server let it in, and answered {status}" in told.text) == is_let_in
    unasked = f"call         unknown the server answered {status} to nobody, too"
    assert (unasked in told.text) == (by_nobody is None)
    assert told.text.endswith("\nnothing is broken\n") == is_let_in
    assert told.text.endswith("as far as it could be told\n") == (by_nobody in (404, 503))


@pytest.mark.parametrize("status", [400, 422])
def test_what_may_have_done_something_is_not_done_by_nobody(
    start_emulator: Callable[..., Emulator], manifest: Path, status: int
) -> None:
    emulator = start_emulator(manifest=manifest)
    with serve(lambda _: Answer(status, {}, b"half of it")) as server:
        told = told_of(emulator, "-X", "DELETE", url=server.url)
        assert all("authorization" in request.headers for request in server.requests)
    assert told.codes == []
    assert f"call         unknown the answer is {status}" in told.text
    assert told.text.endswith("nothing is broken, as far as it could be told\n")


@pytest.mark.parametrize("status", [407, 429, 500, 503])
def test_a_server_that_does_not_say_what_it_makes_of_nobody(
    start_emulator: Callable[..., Emulator], manifest: Path, status: int
) -> None:
    emulator = start_emulator(manifest=manifest)
    with serve(lambda request: Answer(200 if "authorization" in request.headers else status, {}, b"")) as server:
        told = told_of(emulator, url=server.url)
    assert told.codes == []
    assert f"by nobody    unknown without a token the answer is {status}" in told.text
    assert told.text.endswith("nothing is broken, as far as it could be told\n")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("is_open", [True, False])
def test_nobody_is_asked_about_where_the_caller_was_led(
    start_emulator: Callable[..., Emulator], manifest: Path, status: int, is_open: bool
) -> None:
    """A router leads `/items` to `/items/` before anybody is asked who calls."""
    emulator = start_emulator(manifest=manifest)

    def answer(request: Request) -> Answer:
        if request.target == "/items":
            return Answer(status, {"location": "/items/"})
        return Answer(200 if is_open or "authorization" in request.headers else 401)

    with serve(answer) as server:
        told = told_of(emulator, url=f"{server.url}/items")
    assert told.codes == (["open_to_all"] if is_open else [])
    assert f"without a token the answer is {200 if is_open else 401}" in told.text


def test_nobody_makes_no_other_call_than_the_caller(start_emulator: Callable[..., Emulator], manifest: Path) -> None:
    emulator = start_emulator(manifest=manifest)

    def answer(request: Request) -> Answer:
        led = Answer(303, {"location": "/done"})
        return Answer(400) if request.target == "/done" else led

    with serve(answer) as server:
        told = told_of(emulator, "-X", "DELETE", url=f"{server.url}/items")
        # Twice by the caller, for people and for machines.
        assert [request.method for request in server.requests] == ["DELETE", "GET"] * 2
    assert "by nobody" not in told.text
    assert told.text.endswith("as far as it could be told\n")


@pytest.fixture
def flask_url(
    start_emulator: Callable[..., Emulator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Emulator, str]]:
    """An application of Flask's behind the check, which one path goes past; its emulator, and its URL."""
    manifest = tmp_path / "xacct.toml"
    manifest.write_text(MANIFEST.replace('"GET /items"', '"GET /items/{status+}", "GET /items"'))
    emulator = start_emulator(manifest=manifest)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", emulator.sts_url)
    app = flask.Flask("api")
    app.add_url_rule("/health", "health", lambda: "ok")
    app.add_url_rule("/items", "items", lambda: "hello")
    app.add_url_rule("/items/password", "password", lambda: '<form><input type="password"></form>')
    app.add_url_rule("/items/<int:status>", "status", lambda status: flask.abort(status))
    unchecked = app.wsgi_app
    checked = CallerMiddleware(unchecked, Verifier(emulator.ready["stages"]["stag"]["callers"], development=True))

    def past_the_check(environ: dict[str, Any], start_response: Any) -> Any:
        return (unchecked if environ["PATH_INFO"] == "/health" else checked)(environ, start_response)

    app.wsgi_app = past_the_check  # type: ignore[method-assign]
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield emulator, f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@WAYS
def test_a_server_that_answers_with_pages(flask_url: tuple[Emulator, str], way: tuple[str, ...]) -> None:
    emulator, url = flask_url
    for path, codes in [
        ("/items", []),
        ("/items/password", []),
        ("/items/400", []),
        ("/items/403", ["refused_by_application"]),
        ("/items/404", ["refused_by_application"]),
        ("/items/500", ["api_failed"]),
        # By the check itself.
        ("/admin", ["route_refused"]),
        ("/health", ["open_to_all"]),
    ]:
        told = told_of(emulator, *way, url=url + path)
        assert (told.codes, told.code) == (codes, int(codes != [])), path
        assert ("call         ok " in told.text) == (codes in ([], ["open_to_all"])), path
        assert (", sent by `Werkzeug" in told.text) == (path == "/health")
        assert ("the answer is 401" in told.text) == path.endswith(("/items", "/password", "/400"))


def test_a_login_page_in_front_of_a_server(start_emulator: Callable[..., Emulator], manifest: Path) -> None:
    emulator = start_emulator(manifest=manifest)
    page = Answer(200, {"content-type": "text/html"}, b"<!DOCTYPE html><title>Sign in</title>")
    with serve(lambda _: page) as portal:
        told = told_of(emulator, url=portal.url)
    assert told.codes == ["not_the_api"]
    assert "by nobody    unknown without a token the answer is 200, a page on which to log in" in told.text
    # It lets bearers through.
    with serve(lambda request: Answer() if "authorization" in request.headers else page) as front:
        told = told_of(emulator, url=front.url)
    assert told.codes == []
    assert "by nobody    ok      without a token the answer is 200, a page on which to log in" in told.text
    led = Answer(302, {"location": "/login"})
    with serve(lambda request: page if request.target == "/login" else led) as portal:
        assert told_of(emulator, url=portal.url).codes == ["not_the_api"]
    away = Answer(302, {"location": "https://login.example.org/"})
    with serve(lambda _: away) as portal:
        assert told_of(emulator, url=portal.url).codes == ["not_the_api"]
    # To a download, for callers alone.
    with serve(lambda request: away if "authorization" in request.headers else Answer(401, {}, b"")) as server:
        told = told_of(emulator, url=server.url)
    assert (told.codes, told.code) == ([], 0)
    assert "by nobody    ok " in told.text


def test_a_region_that_is_none_is_told_before_anything_is_asked(
    start_emulator: Callable[..., Emulator], manifest: Path
) -> None:
    emulator = start_emulator(manifest=manifest)
    told = told_of(emulator, AWS_REGION="tokyo")
    assert told.codes == ["region_wrong"]
    assert told.findings[0]["hint"].startswith("give the region whose STS is asked")
    assert "who you are" not in told.text


@pytest.mark.parametrize(
    ("wrong", "code"), [(("",), "invalid_option"), ((AUDIENCE, "--expires-in", "5"), "invalid_duration")]
)
def test_wrong_input_is_told_before_anything_is_asked(wrong: tuple[str, ...], code: str) -> None:
    with serve(lambda _: Answer(200, {}, b"")) as server:
        command = [str(cli()), "doctor", server.url, "--identity", *wrong]
        environment = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL_STS": server.url, "AWS_REGION": "eu-west-1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, server.requests) == (2, "", [])
    assert done.stderr.startswith(f"error[{code}]: ")


def test_a_signature_for_a_server_that_asks_for_a_token(start: Callable[..., Emulator], manifest: Path) -> None:
    emulator = start(manifest=manifest)
    told = doctor(environment_of(emulator), emulator.url("/items"), "--service", "execute-api")
    assert told.codes == ["identity_wanted"]
    assert "--identity" in told.findings[0]["hint"]


def test_a_token_for_an_api_that_asks_for_a_signature(start: Callable[..., Emulator], manifest: Path) -> None:
    emulator = start(manifest=manifest)
    told = told_of(emulator, url=emulator.url("/items", "http"))
    assert told.codes == ["request_unsigned"]
    assert "sign" in told.findings[0]["hint"]


def test_the_command_of_the_page_runs(start_emulator: Callable[..., Emulator], manifest: Path, tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "troubleshooting.md").read_text()
    block = next(block for block in re.findall(r"^```sh\n(.*?)^```$", page, re.M | re.S) if "--identity" in block)
    emulator = start_emulator(manifest=manifest)
    (tmp_path / "xacct-sign").symlink_to(cli())
    environment = environment_of(emulator)
    environment["PATH"] = f"{tmp_path}{os.pathsep}{environment['PATH']}"
    command = block.replace("https://api.example.com/items", emulator.url("/items"))
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("nothing is broken\n")
