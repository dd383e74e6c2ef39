"""botocore in every folder of `tests/credentials/`: the same credentials, or a refusal in both, but for what they say.

What a folder is stands in `tests/src/folder.rs`. botocore runs as it is; its files are made below a directory of the
test's, and its HTTP session and its way to start programs are those of the folder.
"""

from __future__ import annotations

import copy
import io
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import botocore.httpsession
import botocore.loaders
import botocore.session
import botocore.tokens
import botocore.utils
import pytest
from emulator import REPOSITORY

FOLDERS = sorted((REPOSITORY / "tests" / "credentials").iterdir())
LOADER = botocore.loaders.create_loader()

# Each face has a name of its own for sessions that nobody names, and a length that it asks for.
OWN = {"RoleSessionName": "xacct-sign", "DurationSeconds": "3600"}


class Folder:
    """The machine that a folder is."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.root = root
        besides = load(folder / "expected.json", {})["botocore"]
        besides = {} if besides == "same" else besides
        self.exchanges = [*load(folder / "http.json", []), *besides.get("http", [])]
        self.processes = [*load(folder / "processes.json", []), *besides.get("processes", [])]
        self.answered: dict[tuple[str, str], dict[str, Any]] = {}
        self.ended: dict[str, Any] | None = None
        # What was done in another way, and what was done besides.
        self.complaints: list[str] = []
        self.more: list[str] = []
        files = [path for path in (folder / "fs").rglob("*") if path.is_file()]
        # The longest first: none is the beginning of another then.
        self.paths = sorted((f"/{path.relative_to(folder / 'fs')}" for path in files), key=len, reverse=True)
        for path in files:
            there = root / path.relative_to(folder / "fs")
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_bytes(self.moved(path.read_bytes()))

    def moved(self, content: bytes) -> bytes:
        """The same, with the paths of files where they are now."""
        for path in self.paths:
            content = content.replace(f"= {path}\n".encode(), f"= {self.root}{path}\n".encode())
        return content

    def environment(self, folder: Path) -> dict[str, str]:
        variables: dict[str, str] = {"HOME": "/home", **load(folder / "env.json", {})}
        for name, value in variables.items():
            is_place = name in ("HOME", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE") and value.startswith("/")
            if is_place or value in self.paths:
                variables[name] = f"{self.root}{value}"
        if "AWS_REGION" in variables:
            # botocore has another name for it.
            variables["AWS_DEFAULT_REGION"] = variables["AWS_REGION"]
        return variables

    def send(self, request: botocore.awsrequest.AWSPreparedRequest) -> botocore.awsrequest.AWSResponse:
        """In place of `botocore.httpsession.URLLib3Session.send`."""
        asked = request.method, request.url
        if self.exchanges:
            self.answered[asked] = self.exchanges.pop(0)
        elif asked not in self.answered:
            self.more.append(f"sent, which is not in http.json: {request.method} {request.url}")
            raise botocore.exceptions.EndpointConnectionError(endpoint_url=request.url)
        # Who asks once more is told the same.
        exchange = self.answered[asked]
        self.complaints += self.differences(exchange["request"], request)
        if failure := exchange.get("failure"):
            errors = {
                "transport": botocore.exceptions.EndpointConnectionError,
                "timeout": botocore.exceptions.ConnectTimeoutError,
            }
            raise errors[failure](endpoint_url=request.url)
        response = exchange["response"]
        headers = botocore.awsrequest.HeadersDict(response.get("headers", {}))
        return botocore.awsrequest.AWSResponse(
            request.url, response["status"], headers, Raw(text(response.get("body", "")).encode())
        )

    def differences(self, wanted: dict[str, Any], sent: botocore.awsrequest.AWSPreparedRequest) -> Iterator[str]:
        def compare(what: str, wanted: object, sent: object) -> Iterator[str]:
            if wanted != sent:
                yield f"{what}: {wanted!r} is to be sent, {sent!r} was"

        yield from compare("method", wanted["method"], sent.method)
        ours, theirs = urlsplit(wanted["url"]), urlsplit(sent.url)
        yield from compare("host", ours[:2], theirs[:2])
        yield from compare("path", ours.path or "/", theirs.path or "/")
        yield from compare("query", sorted(parse_qsl(ours.query)), sorted(parse_qsl(theirs.query)))
        headers = {name.lower(): value for name, value in sent.headers.items()}
        for name, value in wanted.get("headers", {}).items():
            found = headers.get(name)
            yield from compare(name, value, found.decode() if isinstance(found, bytes) else found)
        body = sent.body.decode() if isinstance(sent.body, bytes) else (sent.body or "")
        if isinstance(wanted.get("body"), str):
            yield from compare("body", wanted["body"], body)
        fields = json.loads(body) if body.startswith("{") else dict(parse_qsl(body, keep_blank_values=True))
        for name, value in (wanted.get("body") or {}).items():
            if OWN.get(name) != value:
                yield from compare(name, value, fields.get(name))

    def start(self, words: list[str], **_: object) -> Ended:
        """In place of `subprocess.Popen`."""
        if self.processes:
            self.ended = self.processes.pop(0)
        elif self.ended is None:
            self.more.append(f"run, which is not in processes.json: {words}")
            raise FileNotFoundError(words[0])
        process = self.ended
        if words != [process["program"], *process["arguments"]]:
            self.complaints.append(f"run: {words}, and not {process}")
        if "failure" in process:
            raise FileNotFoundError(words[0])
        return Ended(process)


class Raw(io.BytesIO):
    """A body, as botocore reads those of urllib3."""

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self.read()


class Ended:
    """A program that has ended."""

    def __init__(self, process: dict[str, Any]) -> None:
        self.returncode = process.get("code", 0)
        self._output = text(process.get("stdout", "")).encode(), process.get("stderr", "").encode()

    def communicate(self) -> tuple[bytes, bytes]:
        return self._output


def load(path: Path, default: Any) -> Any:
    return json.loads(path.read_text()) if path.exists() else default


def text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body)


def nobody(*_: object, **__: object) -> str:
    raise EOFError("nobody is there to type")


@pytest.fixture
def machine(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """botocore's view of a folder."""
    machine = Folder(folder, tmp_path)
    for name in list(os.environ):
        if name.startswith(("AWS_", "HOME", "USERPROFILE")):
            monkeypatch.delenv(name)
    for name, value in machine.environment(folder).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(botocore.httpsession.URLLib3Session, "send", lambda _, request: machine.send(request))
    monkeypatch.setattr(botocore.credentials.ProcessProvider.__init__, "__defaults__", (machine.start,))
    prompter, *rest = botocore.credentials.AssumeRoleProvider.__init__.__defaults__
    assert prompter.__name__ in ("unix_getpass", "win_getpass", "fallback_getpass")
    monkeypatch.setattr(botocore.credentials.AssumeRoleProvider.__init__, "__defaults__", (nobody, *rest))
    fetcher = botocore.utils.ContainerMetadataFetcher.__init__
    assert fetcher.__defaults__ == (None, time.sleep)
    # Whoever tries again need not wait here.
    monkeypatch.setattr(fetcher, "__defaults__", (None, lambda _: None))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    cache = os.path.expanduser("~/.aws/sso/cache")
    monkeypatch.setattr(botocore.credentials.SSOProvider, "_SSO_TOKEN_CACHE_DIR", cache)
    monkeypatch.setattr(botocore.tokens.SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", cache)
    return machine


def found(profile: str | None) -> dict[str, str] | None:
    """What botocore finds; None for nothing."""
    session = botocore.session.Session(profile=profile)
    session.register_component("data_loader", LOADER)
    credentials = session.get_credentials()
    if credentials is None:
        return None
    frozen = credentials.get_frozen_credentials()
    keys = {
        "access_key_id": frozen.access_key,
        "secret_access_key": frozen.secret_key,
        "session_token": frozen.token or None,
    }
    expires_at = getattr(credentials, "_expiry_time", None)
    if expires_at is not None:
        keys["expires_at"] = expires_at.astimezone(tz=botocore.credentials.tzutc()).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {name: value for name, value in keys.items() if value is not None}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_botocore_finds_the_same(machine: Folder, folder: Path) -> None:
    expected = load(folder / "expected.json", {})
    ours = {name: expected[name] for name in ("credentials", "error") if name in expected}
    theirs = ours if expected["botocore"] == "same" else expected["botocore"]["expected"]
    try:
        credentials = found(expected.get("profile"))
    except Exception as error:
        credentials, said = None, f"{type(error).__name__}: {error}"
    else:
        said = "nothing"
    if credentials and ours is not theirs and "expires_at" not in theirs.get("credentials", {}):
        # It depends on when this runs.
        credentials.pop("expires_at", None)
    assert credentials == theirs.get("credentials"), said
    left = [*machine.complaints, *machine.more, *machine.exchanges, *machine.processes]
    if ours is not theirs:
        assert left or credentials != ours.get("credentials"), "it is no difference"
    elif credentials:
        assert left == []
    else:
        # Each gives up after as many tries as it thinks right.
        assert machine.complaints == []


def test_there_are_enough_of_them() -> None:
    assert len(FOLDERS) >= 60
    assert len([folder for folder in FOLDERS if load(folder / "expected.json", {})["botocore"] == "same"]) >= 60


def test_a_difference_is_seen(tmp_path: Path) -> None:
    folder = REPOSITORY / "tests" / "credentials" / "role"
    machine = Folder(folder, tmp_path)
    wanted = machine.exchanges[0]["request"]
    form = "&".join(f"{name}={value}" for name, value in wanted["body"].items() if value)
    sent = botocore.awsrequest.AWSRequest("POST", wanted["url"], data=form)
    assert list(machine.differences(wanted, sent.prepare())) == []
    other = copy.deepcopy(wanted)
    other["body"]["RoleArn"] += "x"
    other["headers"]["authorization"] = "x"
    other["url"] = "https://sts.us-east-1.amazonaws.com/x?y=z"
    assert len(list(machine.differences(other, sent.prepare()))) == 5
