"""AWS Lambda on loopback: its runtime API, and a function that Lambda's own runtime client runs."""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from emulator import REPOSITORY, Emulator
from helpers import not_run

EXAMPLE = REPOSITORY / "examples" / "lambda-python"


class RuntimeApi:
    """https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, on loopback."""

    def __init__(self) -> None:
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        self.outcomes: queue.Queue[tuple[str, Any]] = queue.Queue()
        runtime = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                event = json.dumps(runtime.events.get()).encode()
                arn = "arn:aws:lambda:ap-northeast-1:000000000000:function:shop"
                self.send_response(200)
                self.send_header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
                self.send_header("lambda-runtime-deadline-ms", "99999999999999")
                self.send_header("lambda-runtime-invoked-function-arn", arn)
                # Without it the client crashes.
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(event)))
                self.end_headers()
                self.wfile.write(event)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                runtime.outcomes.put((self.path.rsplit("/", 1)[1], json.loads(body)))
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def invoke(self, event: dict[str, Any]) -> Any:
        """What the function answers; it must answer, and with success."""
        self.events.put(event)
        kind, outcome = self.outcomes.get(timeout=30)
        assert kind == "response", outcome
        return outcome

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def function(emulator: Emulator, runtime: RuntimeApi, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The example in a process of its own, with this environment and what the example reads."""
    if importlib.util.find_spec("awslambdaric") is None:
        not_run("awslambdaric")
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_RUNTIME_API": runtime.address,
        "AWS_LAMBDA_FUNCTION_NAME": "shop function",
        "AWS_ENDPOINT_URL_STS": emulator.sts_url,
        "API_ROLE_ARN": emulator.role_arn(),
        "API_REGION": emulator.region,
        "API_URL": emulator.url(),
    } | environment
    process = subprocess.Popen([sys.executable, "-m", "awslambdaric", "handler.handler"], cwd=EXAMPLE, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
