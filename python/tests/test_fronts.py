"""The emulator as each kind of API, called by our sessions and by botocore's signer, and with functions behind it."""

from __future__ import annotations

import http.server
import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import requests
import xacct_sign
from aws_lambda_powertools.event_handler import (
    APIGatewayHttpResolver,
    APIGatewayRestResolver,
    LambdaFunctionUrlResolver,
    Response,
)
from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver
from aws_lambda_powertools.utilities.data_classes import (
    APIGatewayProxyEvent,
    APIGatewayProxyEventV2,
    LambdaFunctionUrlEvent,
)
from aws_lambda_powertools.utilities.typing import LambdaContext
from emulator import FRONTS, Emulator, cli
from helpers import not_run
from lambda_runtime import RuntimeApi

STAGES = {"http": "execute-api", "rest": "execute-api", "restd": "execute-api", "url": "lambda", "urld": "lambda"}
"""The service of each stage; those that end in `d` are direct."""


@pytest.fixture(scope="module")
def fronts() -> Iterator[Emulator]:
    with Emulator("--explain", manifest=FRONTS) as emulator:
        yield emulator


def _keys(fronts: Emulator, stage: str) -> xacct_sign.Credentials:
    """With what shop signs at a stage."""
    if stage.endswith("d"):
        return fronts.base(stage=stage)
    return fronts.assume_role(stage=stage).credentials()


def _session(fronts: Emulator, stage: str) -> xacct_sign.Session:
    options: dict[str, Any] = {"base_url": fronts.url(stage=stage), "service": STAGES[stage]}
    if stage.endswith("d"):
        return xacct_sign.Session(credentials=fronts.base(stage=stage), region=fronts.region, **options)
    return xacct_sign.Session(fronts.assume_role(stage=stage), **options)


def _by_botocore(
    fronts: Emulator, stage: str, *, service: str | None = None, region: str | None = None
) -> requests.Response:
    keys = _keys(fronts, stage)
    given = botocore.credentials.Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    signer = botocore.auth.SigV4Auth(given, service or STAGES[stage], region or fronts.region)
    url, body = fronts.url("/items?q=a%20b", stage), b'{"foo":"bar"}'
    request = botocore.awsrequest.AWSRequest("PUT", url, {"content-type": "application/json"}, body)
    signer.add_auth(request)
    return requests.put(url, data=body, headers=dict(request.headers.items()), timeout=30)


@pytest.mark.parametrize("stage", STAGES)
def test_a_session_is_let_in_everywhere_as_who_it_is(fronts: Emulator, stage: str) -> None:
    answer = _session(fronts, stage).put("/hoge", json={"foo": "bar"})
    answer.raise_for_status()
    shown = answer.json()
    context = shown["requestContext"]
    identity = context["identity"] if stage.startswith("rest") else context["authorizer"]["iam"]
    assert identity["accountId"] == ("000000000000" if stage.endswith("d") else "111111111111")
    assert (shown["path"], shown["body"]) == ("/hoge", '{"foo":"bar"}')


@pytest.mark.parametrize("stage", STAGES)
def test_what_botocore_signs_passes_where_it_should(fronts: Emulator, stage: str) -> None:
    answer = _by_botocore(fronts, stage)
    assert answer.status_code == 200, answer.headers.get("x-xacct-reason")
    assert answer.json()["query"] == "q=a%20b"


@pytest.mark.parametrize(
    ("stage", "wrong", "said"),
    [
        ("restd", {"service": "lambda"}, "Credential should be scoped to correct service: 'execute-api'. "),
        ("restd", {"region": "us-east-1"}, "Credential should be scoped to a valid region, not 'us-east-1'. "),
        ("urld", {"service": "execute-api"}, "Credential should be scoped to correct service: 'lambda'. "),
        ("urld", {"region": "us-east-1"}, "Credential should be scoped to a valid region, not 'us-east-1'. "),
        ("http", {"service": "lambda"}, "Forbidden"),
        ("http", {"region": "us-east-1"}, "Forbidden"),
    ],
)
def test_another_service_or_region_is_refused_in_the_fronts_words(
    fronts: Emulator, stage: str, wrong: dict[str, str], said: str
) -> None:
    answer = _by_botocore(fronts, stage, **wrong)
    assert (answer.status_code, answer.json()) == (403, {"message": said})
    assert answer.headers["x-xacct-reason"].startswith("scope_mismatch: ")


def test_a_rest_apis_refusal_is_explained_to_the_line(fronts: Emulator, tmp_path: Path) -> None:
    keys = fronts.base(stage="restd")
    given = botocore.credentials.Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    canonical = tmp_path / "canonical"

    class Signer(botocore.auth.SigV4Auth):
        def canonical_request(self, request: botocore.awsrequest.AWSRequest) -> str:
            text: str = super().canonical_request(request)
            canonical.write_text(text)
            return text

    url = fronts.url("/items?q=1", "restd")
    request = botocore.awsrequest.AWSRequest("GET", url)
    Signer(given, "execute-api", fronts.region).add_auth(request)
    # On the way somebody changed the query, and somebody else would have kept the reason to himself.
    sent = requests.get(url.replace("q=1", "q=2"), headers=dict(request.headers.items()), timeout=30)
    head = "".join(f"{k}: {v}\r\n" for k, v in sent.headers.items() if k.lower() != "x-xacct-reason")
    answer = tmp_path / "answer"
    answer.write_text(f"HTTP/1.1 {sent.status_code} Forbidden\r\n{head}\r\n{sent.text}")
    assert sent.headers["x-amzn-errortype"] == "InvalidSignatureException"
    assert "The Canonical String for this request should have been\n'GET\n/v1/items\nq=2\n" in sent.json()["message"]

    command = [str(cli()), "explain", str(answer), "--canonical", str(canonical), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["code"] == "query_changed"
    assert "line 3 of the canonical request, the query: AWS has `q=2`, signed was `q=1`" in finding["reason"]
    assert (keys.session_token or "") not in done.stdout


# ---------------------------------------------------------------- functions


class _Runtime(http.server.BaseHTTPRequestHandler):
    """What takes events as the runtime interface emulator does, before a function."""

    function: Callable[[dict[str, Any]], Any]

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        is_there = self.path == "/2015-03-31/functions/function/invocations"
        said = json.dumps(type(self).function(event)).encode()
        self.send_response(200 if is_there else 404)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def before_function() -> Iterator[Callable[[Callable[[dict[str, Any]], Any]], Emulator]]:
    """Starts an emulator of every front before a function."""
    running: list[Callable[[], None]] = []

    def start(function: Callable[[dict[str, Any]], Any]) -> Emulator:
        handler = type("Handler", (_Runtime,), {"function": staticmethod(function)})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        upstream = f"http://127.0.0.1:{server.server_address[1]}"
        emulator = Emulator("--upstream", upstream, "--format", "lambda-event", "--explain", manifest=FRONTS)
        running.extend([emulator.close, server.shutdown, server.server_close, thread.join])
        return emulator

    yield start
    for stop in running:
        stop()


@pytest.mark.parametrize("stage", ["http", "url", "urld"])
def test_events_of_format_two_are_what_others_take_them_for(fronts: Emulator, stage: str) -> None:
    with Emulator("--format", "lambda-event", manifest=FRONTS) as emulator:
        session = _session(emulator, stage)
        headers = {"cookie": "a=1; b=2", "x-own": "yes"}
        event = session.put("/items/7?q=1&q=2&r=%C3%A9", json={"foo": "bar"}, headers=headers).json()
    read = (APIGatewayProxyEventV2 if stage == "http" else LambdaFunctionUrlEvent)(event)
    assert (read.version, read.raw_path, read.path, read.http_method) == ("2.0", "/items/7", "/items/7", "PUT")
    assert read.cookies == ["a=1", "b=2"]
    assert (read.headers["x-own"], read.json_body) == ("yes", {"foo": "bar"})
    assert read.query_string_parameters == {"q": "1,2", "r": "é"}
    assert read.resolved_query_string_parameters["q"] == ["1", "2"]
    context = read.request_context
    assert (context.stage, context.account_id, context.http.source_ip) == ("$default", "111111111111", "127.0.0.1")
    assert context.authorizer is not None
    identity = context.authorizer.iam
    assert identity is not None
    expected = "000000000000:assumed-role/Shop" if stage == "urld" else f"111111111111:assumed-role/Api{stage.title()}"
    assert expected in (identity.user_arn or "")
    assert identity.account_id == expected.partition(":")[0]
    assert (identity.caller_id or "").startswith("AROA")


@pytest.mark.parametrize("stage", ["rest", "restd"])
def test_events_of_format_one_are_what_others_take_them_for(fronts: Emulator, stage: str) -> None:
    with Emulator("--format", "lambda-event", manifest=FRONTS) as emulator:
        event = _session(emulator, stage).put("/items/7?q=1&q=2", json={"foo": "bar"}, headers={"x-own": "yes"}).json()
    read = APIGatewayProxyEvent(event)
    assert (read.path, read.http_method, read.resource) == ("/items/7", "PUT", "/{proxy+}")
    assert (read.headers["x-own"], read.json_body) == ("yes", {"foo": "bar"})
    assert read.multi_value_headers["x-own"] == ["yes"]
    assert read.multi_value_query_string_parameters == {"q": ["1", "2"]}
    assert read.path_parameters == {"proxy": "items/7"}
    context = read.request_context
    assert (context.stage, context.path, context.http_method) == ("v1", "/v1/items/7", "PUT")
    expected = "000000000000" if stage == "restd" else "111111111111"
    assert (context.identity.account_id, context.account_id) == (expected, "111111111111")
    assert f":{expected}:assumed-role/" in (context.identity.user_arn or "")
    assert (context.identity.caller or "").startswith("AROA")


@pytest.mark.parametrize(
    ("stage", "resolver"),
    [
        ("http", APIGatewayHttpResolver),
        ("rest", APIGatewayRestResolver),
        ("restd", APIGatewayRestResolver),
        ("url", LambdaFunctionUrlResolver),
        ("urld", LambdaFunctionUrlResolver),
    ],
)
def test_an_application_for_lambda_runs_behind_each_front(
    before_function: Callable[[Callable[[dict[str, Any]], Any]], Emulator],
    stage: str,
    resolver: type[ApiGatewayResolver],
) -> None:
    app = resolver()

    @app.put("/items/<number>")
    def put(number: str) -> Response[str]:
        said = {"number": number, "body": app.current_event.json_body}
        return Response(201, "application/json", json.dumps(said), {"x-own": "yes", "x-many": ["a", "b"]})

    @app.get("/picture")
    def picture() -> Response[bytes]:
        return Response(200, "image/png", b"\x89PNG\xff")

    @app.get("/broken")
    def broken() -> None:
        raise ValueError("boom")

    def function(event: dict[str, Any]) -> Any:
        try:
            return app.resolve(event, LambdaContext())
        except ValueError as error:
            # As the runtime tells it.
            return {"errorMessage": str(error), "errorType": "ValueError", "stackTrace": []}

    session = _session(before_function(function), stage)
    answer = session.put("/items/7", json={"foo": "bar"})
    assert (answer.status_code, answer.json()) == (201, {"number": "7", "body": {"foo": "bar"}})
    assert (answer.headers["content-type"], answer.headers["x-own"]) == ("application/json", "yes")
    assert answer.headers["x-many"].replace(" ", "") == "a,b"
    answer = session.get("/picture")
    assert (answer.content, answer.headers["content-type"]) == (b"\x89PNG\xff", "image/png")
    assert session.get("/nowhere").status_code == 404
    answer = session.get("/broken")
    assert answer.status_code == (500 if stage == "http" else 502)
    assert answer.headers["x-xacct-reason"] == "upstream_failed: the function failed"


HANDLER = """
def handler(event, context):
    caller = event["requestContext"]["authorizer"]["iam"]["userArn"]
    if event["rawPath"] == "/broken":
        raise KeyError("boom")
    return {"who": caller, "path": event["rawPath"]}
"""


def test_a_function_in_lambdas_own_runtime_answers_and_fails(
    before_function: Callable[[Callable[[dict[str, Any]], Any]], Emulator], tmp_path: Path
) -> None:
    if importlib.util.find_spec("awslambdaric") is None:
        not_run("awslambdaric")
    (tmp_path / "handler.py").write_text(HANDLER)
    runtime = RuntimeApi()

    def function(event: dict[str, Any]) -> Any:
        runtime.events.put(event)
        return runtime.outcomes.get(timeout=30)[1]

    environment = {"PATH": os.environ["PATH"], "AWS_LAMBDA_RUNTIME_API": runtime.address}
    command = [sys.executable, "-m", "awslambdaric", "handler.handler"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment) as process:
        try:
            session = _session(before_function(function), "urld")
            answer = session.get("/hoge")
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
            assert answer.json() == {"who": "arn:aws:sts::000000000000:assumed-role/Shop/shop", "path": "/hoge"}
            answer = session.get("/broken")
            assert (answer.status_code, answer.json()) == (502, {"Message": "Internal Server Error"})
            assert answer.headers["x-xacct-reason"] == "upstream_failed: the function failed"
        finally:
            process.kill()
            runtime.close()
