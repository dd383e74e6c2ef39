"""The example for AWS Lambda, run by Lambda's own runtime client against a runtime API on loopback."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from emulator import Emulator
from helpers import Answer, Clock, Request, serve
from lambda_runtime import RuntimeApi, function


@pytest.fixture
def runtime() -> Iterator[RuntimeApi]:
    running = RuntimeApi()
    yield running
    running.close()


def test_the_example_handles_two_invocations_with_one_call_to_sts(emulator: Emulator, runtime: RuntimeApi) -> None:
    with function(emulator, runtime, emulator.environment()):
        seen = []
        for number in (1, 2):
            outcome = runtime.invoke({"order": number})
            assert json.loads(outcome["body"]) == {"order": number}
            seen.append(outcome["requestContext"]["authorizer"]["iam"])
    assert seen[0]["userArn"] == "arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/shop-function"
    # The second invocation used the credentials of the first.
    assert seen[0]["accessKey"] == seen[1]["accessKey"]


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.fixture
def moved(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An emulator that goes by this clock."""
    with monkeypatch.context() as patch:
        for name, value in clock.environment.items():
            patch.setenv(name, value)
        running = Emulator()
    with running:
        yield running


def freeze(process: subprocess.Popen[bytes], clock: Clock, length: timedelta) -> None:
    """As Lambda does between two invocations: the process is stopped while time goes by everywhere else."""
    process.send_signal(signal.SIGSTOP)
    clock.move(length)
    process.send_signal(signal.SIGCONT)


def test_a_function_that_was_frozen_past_the_expiry_goes_on(clock: Clock, moved: Emulator, runtime: RuntimeApi) -> None:
    keys = []
    with function(moved, runtime, moved.environment() | clock.environment) as process:
        for hours in (0, 0, 2, 12, 0):
            freeze(process, clock, timedelta(hours=hours))
            keys.append(runtime.invoke({})["requestContext"]["authorizer"]["iam"]["accessKey"])
    first, second, third, fourth, fifth = keys
    assert first == second
    assert fourth == fifth
    assert len({first, third, fourth}) == 3


def test_a_function_that_snapstart_restores_goes_on(clock: Clock, moved: Emulator, runtime: RuntimeApi) -> None:
    """There the keys are not in the environment but at an endpoint, and what the snapshot knew has long expired."""
    base = moved.caller()["credentials"]

    def credentials(_: Request) -> Answer:
        expiration = f"{clock.now() + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
        answer = {
            "AccessKeyId": base["access_key_id"],
            "SecretAccessKey": base["secret_access_key"],
            "Token": base["session_token"],
            "Expiration": expiration,
        }
        return Answer(headers={"content-type": "application/json"}, body=json.dumps(answer).encode())

    with serve(credentials) as endpoint:
        environment = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{endpoint.url}/2021-04-23/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "the-token",
        }
        keys = []
        with function(moved, runtime, environment | clock.environment) as process:
            for days in (0, 0, 20):
                freeze(process, clock, timedelta(days=days))
                keys.append(runtime.invoke({})["requestContext"]["authorizer"]["iam"]["accessKey"])
        assert [request.headers["authorization"] for request in endpoint.requests] == ["the-token"] * 2
    assert keys[0] == keys[1] != keys[2]
