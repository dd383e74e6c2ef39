"""Running `xacct-sign doctor`, and what changes requests on their way to an API."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from emulator import Emulator, cli
from helpers import Answer, Request


@dataclass
class Told:
    """What the doctor said."""

    code: int
    findings: list[dict[str, str]]
    text: str

    @property
    def codes(self) -> list[str]:
        return [finding["code"] for finding in self.findings]


def environment_of(emulator: Emulator, name: str = "shop", stage: str = "stag") -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_STS": emulator.sts_url,
        "AWS_REGION": emulator.region,
        **emulator.environment(name, stage),
    }


def doctor(environment: dict[str, str], *arguments: str) -> Told:
    """Runs it twice, for people and for machines: both say the same."""
    command = [str(cli()), "doctor", *arguments]
    text = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    done = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, check=False)
    assert (text.stderr, done.stderr) == ("", "")
    assert text.returncode == done.returncode
    document = json.loads(done.stdout)
    findings = document["findings"]
    # How often something ran may differ, and what a second says.
    shown = [line.split()[0] for line in text.stdout.splitlines()[: len(document["links"])]]
    assert [link["link"].split()[0] for link in document["links"]] == shown
    for link in document["links"]:
        assert re.search(rf"^{link['link']:12} {link['state']} ", text.stdout, re.MULTILINE)
    assert done.returncode == (1 if findings else 0)
    for finding in findings:
        assert set(finding) == {"code", "side", "reason", "hint"}
        assert f"{finding['code']} ({finding['side']}): " in text.stdout
    everything = text.stdout + done.stdout
    for secret in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        assert environment.get(secret) is None or environment[secret] not in everything
    return Told(done.returncode, findings, text.stdout)


class Way:
    """Passes requests on to an API, and changes something of them. It leaves no mark on the answer."""

    def __init__(self, upstream: str, change: Callable[[Passing], None]) -> None:
        address = urlsplit(upstream)
        self._upstream = f"{address.hostname}:{address.port}"
        self._change = change

    def __call__(self, request: Request) -> Answer:
        passing = Passing(request.method, request.target, dict(request.headers), request.body)
        self._change(passing)
        connection = http.client.HTTPConnection(self._upstream)
        passing.headers["content-length"] = str(len(passing.body))
        connection.putrequest(passing.method, passing.target, skip_host=True, skip_accept_encoding=True)
        for name, value in passing.headers.items():
            connection.putheader(name, value)
        connection.endheaders(passing.body)
        answer = connection.getresponse()
        kept = {name: value for name, value in answer.getheaders() if name not in ("content-length", "connection")}
        body = answer.read()
        connection.close()
        return Answer(answer.status, kept, body)


@dataclass
class Passing:
    """A request on its way."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def drop_token(passing: Passing) -> None:
    passing.headers.pop("x-amz-security-token", None)


def drop_signature(passing: Passing) -> None:
    passing.headers.pop("authorization", None)


def drop_date(passing: Passing) -> None:
    passing.headers.pop("x-amz-date", None)


def set_bearer(passing: Passing) -> None:
    if "authorization" in passing.headers:
        passing.headers["authorization"] = "Bearer of.another.gate"


def set_body(passing: Passing) -> None:
    passing.body = passing.body.replace(b"1", b"one")


def set_host(passing: Passing) -> None:
    passing.headers["host"] = "upstream.internal"


def set_path(passing: Passing) -> None:
    passing.target = f"/behind{passing.target}"


def set_header(passing: Passing) -> None:
    if "x-mine" in passing.headers:
        passing.headers["x-mine"] += "; seen"


def nothing(_: Passing) -> None:
    pass


@contextlib.contextmanager
def policy_file(policy: dict[str, Any]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "policy.json")
        file.write_text(json.dumps(policy))
        yield file
