"""What the tests share: servers to talk to, and what STS says."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import pytest
import tomllib
import xacct_sign
from emulator import REPOSITORY, cli

REGION = "ap-northeast-1"
ROLE_ARN = "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag"
EXTERNAL_ID = "b3c7-partner"


@dataclass
class Request:
    """What came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    client_port: int
    is_resumed: bool
    """Whether it came by a TLS session that there had been before."""

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass
class Answer:
    """What goes back."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: str | None = None
    """In place of all that: `reset` ends the connection, `half` ends it in the middle of a body."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    # Connections are refused by a full backlog, which is 5 by default.
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none of ours."""


class _QuietIPv6(_Quiet):
    address_family = socket.AF_INET6


class Server:
    """An HTTP server on loopback that keeps what it was asked."""

    def __init__(self, answer: Callable[[Request], Answer], host: str = "127.0.0.1") -> None:
        self.requests: list[Request] = []
        self.connections = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                server.connections += 1
                super().setup()

            def log_message(self, *_: object) -> None:
                pass

            def __getattr__(self, name: str) -> Any:
                # Any method is answered.
                if name.startswith("do_"):
                    return self.respond
                raise AttributeError(name)

            def respond(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                if self.headers.get("transfer-encoding") == "chunked":
                    raise AssertionError("nothing is sent in chunks")
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(
                    self.command,
                    self.path,
                    headers,
                    body,
                    self.client_address[1],
                    getattr(self.connection, "session_reused", False),
                )
                server.requests.append(request)
                reply = answer(request)
                if reply.fault is not None:
                    self.close_connection = True
                    if reply.fault == "half":
                        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf")
                    return
                # The library adds a date of its own.
                respond = self.send_response_only if "date" in reply.headers else self.send_response
                respond(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(reply.body)

        is_ipv6 = ":" in host
        self._server = (_QuietIPv6 if is_ipv6 else _Quiet)((host, 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://[{host}]:{self.port}" if is_ipv6 else f"http://{host}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def serve(answer: Callable[[Request], Answer] = lambda _: Answer(), host: str = "127.0.0.1") -> Iterator[Server]:
    server = Server(answer, host)
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def moto_server() -> Iterator[str]:
    """moto as a process; its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        lines = process.stderr or ()
        found = next((found for line in lines if (found := re.search(r"Running on (http://\S+)", line))), None)
        assert found, "moto did not start"
        yield found[1]
    finally:
        process.terminate()
        process.communicate(timeout=10)


NOTHING = {"HOME": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}
"""An environment in which the chain finds nothing."""


def chain(profile: str | None = None, **variables: str) -> dict[str, Any]:
    """What the chain of the Rust client finds in an environment that has these variables alone."""
    program = [cli().with_name("chain"), *([profile] if profile else [])]
    done = subprocess.run(program, env=NOTHING | variables, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def sts_answer(
    key: str = "ASIAFAKE", secret: str = "fake-secret", token: str = "fake-token", lifetime: float = 3600
) -> Answer:
    """What STS says to AssumeRole."""
    expires_at = datetime.now(timezone.utc) + timedelta(seconds=lifetime)
    body = f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
    <AssumedRoleUser><AssumedRoleId>AROA:xacct-sign</AssumedRoleId>
    <Arn>arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/xacct-sign</Arn></AssumedRoleUser>
    <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>
    <SessionToken>{token}</SessionToken><Expiration>{expires_at:%Y-%m-%dT%H:%M:%S.%fZ}</Expiration></Credentials>
    </AssumeRoleResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>"""
    return Answer(200, {"content-type": "text/xml"}, body.encode())


BRIEF = 0.3
"""Seconds that credentials live which are fetched anew soon."""


def without_expiry(credentials: xacct_sign.Credentials) -> xacct_sign.Credentials:
    """The same, as if nobody knew that they end: they are sent even then."""
    return xacct_sign.Credentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)


def sts_error(status: int, code: str, message: str) -> Answer:
    body = f"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
    <Code>{code}</Code><Message>{message}</Message></Error><RequestId>the-request-id</RequestId></ErrorResponse>"""
    return Answer(status, {"content-type": "text/xml"}, body.encode())


def table(name: str) -> dict[str, Any]:
    """A table of the project's `tests/`."""
    return tomllib.loads((REPOSITORY / "tests" / name).read_text())


def not_run(name: str) -> NoReturn:
    """Leaves out the test for the reason that `tests/not-run.toml` has; `make test` says so at its end."""
    line = f"NOT RUN {name}: {table('not-run.toml')[name]['reason']}"
    if path := os.environ.get("XACCT_SIGN_NOT_RUN"):
        with Path(path).open("a") as file:
            print(line, file=file)
    pytest.skip(line)


def fake_role(sts: Server, **options: Any) -> xacct_sign.AssumeRole:
    """An `AssumeRole` that asks a server of the test's."""
    defaults = {"region": REGION, "base": xacct_sign.Credentials("AKIDBASE", "base-secret"), "sts_endpoint": sts.url}
    return xacct_sign.AssumeRole(options.pop("role_arn", ROLE_ARN), **(defaults | options))


def authorization(request: Request) -> dict[str, str]:
    """The parts of an `Authorization` header."""
    algorithm, _, rest = request.headers["authorization"].partition(" ")
    assert algorithm == "AWS4-HMAC-SHA256"
    return dict(part.strip().split("=", 1) for part in rest.split(","))


def signed_headers(header: str) -> list[str]:
    return header.partition("SignedHeaders=")[2].partition(",")[0].split(";")


def signature(header: str) -> str:
    return header.partition("Signature=")[2]


class Clock:
    """The clock of every process that has `environment`, which libfaketime moves."""

    def __init__(self, file: Path) -> None:
        libraries = list(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        if not libraries:
            not_run("faketime")
        self._file = file
        self._ahead = timedelta()
        self.environment = {
            "LD_PRELOAD": str(libraries[0]),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            # A frozen machine's monotonic clock stands still.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.move(timedelta())

    def move(self, by: timedelta) -> None:
        self._ahead += by
        self._file.write_text(f"{self._ahead.total_seconds():+.0f}")

    def now(self) -> datetime:
        return datetime.now(timezone.utc) + self._ahead
