"""The example for AWS Lambda, run by Lambda's own runtime client against a runtime API on loopback."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
from typing import Any

import pytest
from helpers import REPOSITORY, Answer, Emulator, Request, serve

EXAMPLE = REPOSITORY / "examples" / "lambda-python"


@pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: awslambdaric is for Linux")
def test_the_example_handles_two_invocations_with_one_call_to_sts(emulator: Emulator) -> None:
    events: queue.Queue[dict[str, Any]] = queue.Queue()
    outcomes: queue.Queue[tuple[str, Any]] = queue.Queue()

    def runtime_api(request: Request) -> Answer:
        """https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html"""
        if request.target.endswith("/invocation/next"):
            headers = {
                "lambda-runtime-aws-request-id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                "lambda-runtime-deadline-ms": "99999999999999",
                "lambda-runtime-invoked-function-arn": "arn:aws:lambda:ap-northeast-1:000000000000:function:shop",
            }
            return Answer(200, headers, json.dumps(events.get()).encode())
        outcomes.put((request.target.rsplit("/", 1)[1], json.loads(request.body)))
        return Answer(202)

    with serve(runtime_api) as runtime:
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.port}",
            "AWS_LAMBDA_FUNCTION_NAME": "shop function",
            "AWS_ENDPOINT_URL_STS": emulator.sts_url,
            "API_ROLE_ARN": emulator.role_arn(),
            "API_REGION": emulator.region,
            "API_URL": emulator.url(),
        } | {f"AWS_{name.upper()}": value for name, value in emulator.caller()["credentials"].items()}
        command = [sys.executable, "-m", "awslambdaric", "handler.handler"]
        process = subprocess.Popen(command, cwd=EXAMPLE, env=environment)
        try:
            seen = []
            for number in (1, 2):
                events.put({"order": number})
                kind, outcome = outcomes.get(timeout=30)
                assert (kind, json.loads(outcome["body"])) == ("response", {"order": number})
                seen.append(outcome["requestContext"]["authorizer"]["iam"])
        finally:
            process.kill()
            process.wait()
    assert seen[0]["userArn"] == "arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/shop-function"
    # The second invocation used the credentials of the first.
    assert seen[0]["accessKey"] == seen[1]["accessKey"]
