"""`xacct_sign.testing`: what answers calls, and what `calls` knows of them, in which order, answered or not."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
import xacct_sign
from botocore.exceptions import ClientError
from emulator import PARTNER, cli
from moto import mock_aws
from xacct_sign.testing import Call, Emulator, _process


@pytest.fixture(scope="module", autouse=True)
def _on_the_path(tmp_path_factory: pytest.TempPathFactory):
    """The command of this build, where the tests here look for it."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "xacct-sign").symlink_to(cli())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        yield


@pytest.fixture
def xacct_manifest() -> Path:
    return PARTNER


class Api(ThreadingHTTPServer):
    """A server that answers 201 with who called; what is below `/held` when it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.came = threading.Semaphore(0)
        self.go_on = threading.Event()


class Answering(BaseHTTPRequestHandler):
    server: Api

    def do_GET(self) -> None:
        if self.path.startswith("/held"):
            self.server.came.release()
            self.server.go_on.wait()
        context = json.loads(self.headers["x-amzn-request-context"])
        answer = json.dumps({"path": self.path, "caller": context["authorizer"]["iam"]["userArn"]}).encode()
        self.send_response(201)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.go_on.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def session(xacct_emulator: Emulator) -> Iterator[xacct_sign.Session]:
    """Of shop on stag, with the role that it has assumed."""
    with xacct_emulator.as_caller("shop", "stag"):
        role = xacct_sign.AssumeRole(os.environ["XACCT_ROLE_ARN"])
        role.credentials()
        yield xacct_sign.Session(role, base_url=os.environ["XACCT_URL"])


class TestUpstream:
    @pytest.fixture
    def xacct_upstream(self, api: Api) -> str:
        return f"http://127.0.0.1:{api.server_port}"

    def test_what_is_let_in_is_answered_by_the_server_that_is_named(
        self, xacct_emulator: Emulator, session: xacct_sign.Session
    ) -> None:
        answer = session.get("/x?y=1")
        assert answer.status_code == 201
        arn = answer.json()["caller"]
        assert answer.json() == {"path": "/x?y=1", "caller": arn}
        assert arn.startswith("arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/")
        assert xacct_emulator.calls == [Call("GET", "/x", 201, "stag", "shop")]

    def test_another_server_of_the_next_test_is_asked(self, session: xacct_sign.Session) -> None:
        assert session.get("/").status_code == 201

    def test_calls_stand_in_the_order_in_which_they_came_and_have_no_status_until_they_are_answered(
        self, xacct_emulator: Emulator, session: xacct_sign.Session, api: Api
    ) -> None:
        with ThreadPoolExecutor() as threads:
            held = threads.submit(session.get, "/held")
            api.came.acquire()
            assert session.get("/second").status_code == 201
            second = Call("GET", "/second", 201, "stag", "shop")
            assert xacct_emulator.calls == [Call("GET", "/held", None, "stag", "shop"), second]
            api.go_on.set()
            assert held.result().status_code == 201
        assert xacct_emulator.calls == [Call("GET", "/held", 201, "stag", "shop"), second]

    def test_a_call_that_its_caller_gives_up_stays_without_a_status(
        self, xacct_emulator: Emulator, session: xacct_sign.Session, api: Api
    ) -> None:
        given_up = Call("GET", "/held", None, "stag", "shop")
        with pytest.raises(xacct_sign.TransportError):
            session.get("/held", timeout=0.5)
        assert xacct_emulator.calls == [given_up]
        api.go_on.set()
        broken_off = "stag GET /held - broken_off: the connection ended before there was an answer"
        until(lambda: xacct_emulator._refused() == [broken_off])
        assert session.get("/").status_code == 201
        assert xacct_emulator.calls == [given_up, Call("GET", "/", 201, "stag", "shop")]

    def test_a_call_that_was_sent_before_a_test_is_none_of_its_own(
        self,
        xacct_emulator: Emulator,
        session: xacct_sign.Session,
        api: Api,
        xacct_upstream: str,
        request: pytest.FixtureRequest,
    ) -> None:
        with ThreadPoolExecutor() as threads:
            held = threads.submit(session.get, "/held")
            api.came.acquire()
            processes: _process.Processes = request.getfixturevalue("_xacct_processes")
            later = Emulator(*processes.of(_process.Manifest(PARTNER), xacct_upstream))
            api.go_on.set()
            assert held.result().status_code == 201
            assert session.get("/later").status_code == 201
        assert [call.path for call in xacct_emulator.calls] == ["/held", "/later"]
        assert [call.path for call in later.calls] == ["/later"]


def test_without_a_server_the_answer_is_what_one_would_see(session: xacct_sign.Session) -> None:
    seen = session.put("/a%20b?c=1", json={"foo": "bar"}).json()
    assert {name: seen[name] for name in ("method", "path", "query", "body", "isBase64Encoded")} == {
        "method": "PUT",
        "path": "/a%20b",
        "query": "c=1",
        "body": '{"foo":"bar"}',
        "isBase64Encoded": False,
    }
    assert "/ApiAllowByIamRoleStag/" in seen["requestContext"]["authorizer"]["iam"]["userArn"]
    assert seen["headers"]["content-type"] == "application/json"


def test_a_body_that_breaks_off_was_sent_too(xacct_emulator: Emulator) -> None:
    place = urlsplit(xacct_emulator.url("stag"))
    half = Call("PUT", "/half", None, "stag", None)
    with socket.create_connection((place.hostname, place.port)) as client:
        client.sendall(b"PUT /half?x HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf")
        until(lambda: xacct_emulator.calls == [half])
    until(lambda: bool(xacct_emulator._refused()))
    assert xacct_emulator.calls == [half]


def test_what_is_too_long_is_refused_before_anybody_looks_at_who_signed_it(
    xacct_emulator: Emulator, session: xacct_sign.Session
) -> None:
    assert session.put("/long", data=b"x" * (11 << 20)).status_code == 413
    assert xacct_emulator.calls == [Call("PUT", "/long", 413, "stag", None)]


def until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        pass


def test_a_block_of_as_caller_may_be_used_again(xacct_emulator: Emulator) -> None:
    before = dict(os.environ)
    shop = xacct_emulator.as_caller("shop", "stag")
    for _ in range(2):
        with shop:
            assert os.environ["XACCT_URL"] == xacct_emulator.url("stag")
            with xacct_emulator.as_caller("partner", "prod"), shop:
                assert os.environ["XACCT_URL"] == xacct_emulator.url("stag")
            assert os.environ["XACCT_URL"] == xacct_emulator.url("stag")
        assert dict(os.environ) == before


def test_moto_s_services_and_the_emulator_are_there_in_one_test(xacct_emulator: Emulator) -> None:
    def call() -> int:
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="orders")
        assert boto3.client("sts").get_caller_identity()["Arn"].endswith("/LambdaRoleDeve/shop")
        return xacct_sign.Session(os.environ["XACCT_ROLE_ARN"], base_url=os.environ["XACCT_URL"]).get("/").status_code

    with mock_aws(), xacct_emulator.as_caller("shop", "stag"):
        assert call() == 200
    own = mock_aws(config={"core": {"mock_credentials": False}})
    with xacct_emulator.as_caller("shop", "stag"), own:
        assert call() == 200
    # As moto has them, they are nobody's here; which is said.
    with xacct_emulator.as_caller("shop", "stag"), mock_aws(), pytest.raises(ClientError):
        call()
    (refused,) = xacct_emulator._refused()
    assert "the access key id `FOOBARKEY` was not issued here" in refused


def test_a_program_that_calls_several_stages_is_one_caller(xacct_emulator: Emulator) -> None:
    with xacct_emulator.as_caller("shop", "deve"):
        other = os.environ["XACCT_ROLE_ARN"]
    with xacct_emulator.as_caller("shop", "stag"):
        for role, stage in [(os.environ["XACCT_ROLE_ARN"], "stag"), (other, "deve")]:
            assert xacct_sign.Session(role, base_url=xacct_emulator.url(stage)).get("/").status_code == 200
    assert [(call.stage, call.status) for call in xacct_emulator.calls] == [("stag", 200), ("deve", 200)]


@pytest.mark.parametrize("name", ["nobody", None, 5, ["shop"]])
def test_an_unknown_caller_or_stage_is_told_where_it_is_named(xacct_emulator: Emulator, name: str) -> None:
    shown = f"`{name}`" if isinstance(name, str) else repr(name)
    for caller, stage, kind in [(name, "stag", "caller"), ("shop", name, "stage")]:
        with pytest.raises(xacct_sign.ValidationError) as told:
            xacct_emulator.as_caller(caller, stage)
        assert f"the manifest has no {kind} {shown}; there is " in str(told.value)
        assert told.value.code == f"unknown_{kind}"


def test_a_process_that_was_forked_and_stays_does_not_keep_the_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    killed = []
    kill = _process.Process._kill
    monkeypatch.setattr(_process.Process, "_kill", lambda process: killed.append(kill(process)))
    with _process.Processes() as processes:
        processes.of(_process.Manifest(PARTNER), None)
        child = os.fork()
        if child == 0:
            signal.pause()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert killed == []
