"""What a session does between a call and its answer: `tests/flows.toml` through `Session` and through every adapter."""

from __future__ import annotations

import functools
import hashlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import xacct_sign
from adapters import ADAPTERS, GIVEN
from helpers import REGION, Answer, Request, Server, authorization, fake_role, serve, sts_answer, table

CASES = table("flows.toml")["case"]
KEYS = {"name", "method", "headers", "body", "path", "url", "answers", "sent", "status", "error", "requests"}
KEYS |= {"base_url", "given", "base", "sts", "asked", "pauses"}


def parameters(cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in cases if "pauses" not in case]


class World:
    """The servers of a case, and the credentials it is called with."""

    def __init__(self, case: dict[str, Any], stack: ExitStack) -> None:
        self._case = case
        self._is_over = threading.Event()
        self.api = stack.enter_context(serve(self._api))
        self.other = stack.enter_context(serve())
        self.sts = stack.enter_context(serve(self._sts))
        # Entered last, so that whoever hangs goes on before the servers are closed.
        stack.callback(self._is_over.set)
        self.url = self._here(case.get("url", "{origin}" + case.get("path", "/start")))
        self.base_url = self._here(case["base_url"]) if "base_url" in case else None
        self.source: Any
        if "base" in case:
            self.source = fake_role(self.sts, base=credentials("base", case["base"]))
        else:
            self.source = credentials("given", case.get("given", {}))

    def _api(self, _: Request) -> Answer:
        answers, number = self._case.get("answers", []), len(self.api.requests)
        if number > len(answers):
            return Answer()
        answer = dict(answers[number - 1])
        headers = answer.pop("headers", {})
        body = answer.pop("body", "").encode()
        if "fault" in answer:
            return Answer(fault=answer["fault"])
        if "date" in answer:
            headers["date"] = formatdate(time.time() + answer.pop("date"), usegmt=True)
        if "location" in answer:
            location = self._here(answer.pop("location"))
            # Headers are written as Latin-1; what goes over the wire is UTF-8.
            headers["location"] = location.encode().decode("latin-1")
        return Answer(headers=headers, body=body, **answer)

    def _here(self, text: str) -> str:
        for name, value in (("origin", self.api.url), ("port", str(self.api.port)), ("other", self.other.url)):
            text = text.replace("{" + name + "}", value)
        return text

    def _sts(self, _: Request) -> Answer:
        number = len(self.sts.requests)
        answer = self._case["sts"][number - 1]
        if answer.get("hangs"):
            self._is_over.wait()
            return Answer(503)
        if "fault" in answer:
            return Answer(fault=answer["fault"])
        if "lifetime" in answer:
            given = sts_answer(*role_credentials(number), lifetime=answer["lifetime"])
            if "date" in answer:
                given.headers["date"] = formatdate(time.time() + answer["date"], usegmt=True)
            return given
        return sts_refusal(answer)

    def check(self) -> None:
        """What came over the wire, once all calls have ended."""
        case = self._case
        shown = [f"{request.method} {request.target}" for request in self.api.requests]
        assert shown == [f"{each['method']} {each['target']}" for each in case["sent"]]
        assert self.other.requests == []
        for request, expected in zip(self.api.requests, case["sent"], strict=True):
            assert expected.keys() <= {"method", "target", "has", "lacks", "body", "key", "skew"}
            assert request.body.decode() == expected.get("body", "")
            has = expected.get("has", {})
            assert {name: request.headers.get(name) for name in has} == has
            assert [name for name in expected.get("lacks", []) if name in request.headers] == []
            key = check_signature(request, self.api, signed={"host", "x-amz-date", "x-amz-security-token", *has})
            signed_at = datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
            assert abs(signed_at.timestamp() - time.time() - expected.get("skew", 0)) < 60
            if "key" in expected:
                assert key == f"ASIAROLE{expected['key']}"
        asked = case.get("asked", 0)
        # An early refresh may have begun in another thread, and still be on its way.
        for _ in range(200):
            if len(self.sts.requests) >= asked:
                break
            time.sleep(0.05)
        assert len(self.sts.requests) == asked


def credentials(name: str, given: dict[str, Any]) -> xacct_sign.Credentials:
    expires_at = None
    if "expires_in" in given:
        expires_at = datetime.now(timezone.utc) + timedelta(seconds=given["expires_in"])
    parts = GIVEN if name == "given" else ("AKIDBASE", "base-secret", "base-token")
    return xacct_sign.Credentials(*parts, expires_at=expires_at)


def role_credentials(number: int) -> tuple[str, str, str]:
    """What STS gives the first, second, ... time."""
    return f"ASIAROLE{number}", f"role-secret-{number}", f"role-token-{number}"


def sts_refusal(answer: dict[str, Any]) -> Answer:
    message = "no"
    if "clock" in answer:
        ours, theirs = (time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + by)) for by in (0, answer["clock"]))
        message = f"Signature expired: {ours} is now earlier than {theirs} ({theirs} - 15 min.)"
    error = f"<Error><Code>{answer.get('code', '')}</Code><Message>{message}</Message></Error>"
    return Answer(answer.get("status", 403), body=f"<ErrorResponse>{error}</ErrorResponse>".encode())


def check_signature(request: Request, server: Server, signed: set[str]) -> str:
    """That the signature is right for what arrived, as botocore computes it; gives the access key id."""
    parts = authorization(request)
    key, *scope = parts["Credential"].split("/")
    assert scope == [request.headers["x-amz-date"][:8], REGION, "execute-api", "aws4_request"]
    known = {each[0]: each for each in (GIVEN, *map(role_credentials, (1, 2, 3)))}
    _, secret, token = known[key]
    assert request.headers["x-amz-security-token"] == token
    assert request.headers["host"] == urlsplit(server.url).netloc
    names = parts["SignedHeaders"].split(";")
    assert signed <= set(names)
    if "x-amz-content-sha256" in request.headers:
        assert request.headers["x-amz-content-sha256"] == hashlib.sha256(request.body).hexdigest()
    headers = {name: request.headers[name] for name in names}
    arrived = botocore.awsrequest.AWSRequest(request.method, server.url + request.target, headers, request.body)
    arrived.context["timestamp"] = request.headers["x-amz-date"]
    signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(key, secret, token), "execute-api", REGION)
    # A header that botocore would not sign would be missing here.
    assert signer.signed_headers(signer.headers_to_sign(arrived)) == parts["SignedHeaders"]
    text = signer.string_to_sign(arrived, signer.canonical_request(arrived))
    assert signer.signature(text, arrived) == parts["Signature"]
    return key


def in_a_thread(call: Callable[[], int]) -> int | xacct_sign.XacctSignError:
    """The outcome of a call. No time limit interrupts native code that hangs; waiting for its thread can be."""
    outcome: queue.SimpleQueue[int | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put(call())
        except BaseException as error:
            outcome.put(error)

    threading.Thread(target=run, daemon=True).start()
    got = outcome.get()
    if isinstance(got, BaseException) and not isinstance(got, xacct_sign.XacctSignError):
        raise got
    return got


def run(case: dict[str, Any], world: World, call: Callable[[], int]) -> None:
    for pause in (0, *case.get("pauses", [])):
        time.sleep(pause)
        got = in_a_thread(call)
        if isinstance(got, xacct_sign.XacctSignError):
            if got.code != case.get("error"):
                raise got
        else:
            assert "error" not in case, f"it was answered with {got}"
            assert got == case.get("status", 200)
    world.check()


def run_session(case: dict[str, Any]) -> None:
    with world_of(case) as world:
        # Made by the first call: a base URL that is none is an outcome, too.
        @functools.cache
        def session() -> xacct_sign.Session:
            if "base" in case:
                return xacct_sign.Session(world.source, base_url=world.base_url)
            return xacct_sign.Session(credentials=world.source, region=REGION, base_url=world.base_url)

        def call() -> int:
            method, headers, body = case.get("method", "GET"), case.get("headers"), case.get("body")
            return session().request(method, world.url, headers=headers, data=body).status_code

        run(case, world, call)


def run_adapter(case: dict[str, Any], adapter: str) -> None:
    with world_of(case) as world:
        signs = {"role": world.source} if "base" in case else {"credentials": world.source, "region": REGION}

        def call() -> int:
            method, headers, body = case.get("method", "GET"), case.get("headers"), case.get("body")
            return ADAPTERS[adapter](signs, method, world.url, headers, body).status

        run(case, world, call)


BESIDE = [adapter for adapter in ADAPTERS if adapter.startswith(("httpx-", "aiohttp"))]

# Here the client decides after all: urllib3 sends a GET for a HEAD at 303, others keep a content type without content.
OF_CLIENTS = {
    ("303 leaves a HEAD", "urllib3"),
    # Their calls wait for no early refresh: it goes on beside, and the next of them has what it gives.
    *(("an early refresh gives the next key while the last still serves", adapter) for adapter in BESIDE),
    *(("303 turns a PUT into a GET", adapter) for adapter in ADAPTERS if adapter.startswith(("httpx", "aiohttp"))),
}


def of_adapters(cases: list[dict[str, Any]]) -> list[tuple[dict[str, Any], str]]:
    cases = [case for case in cases if case.get("requests")]
    return [(case, adapter) for case in cases for adapter in ADAPTERS if (case["name"], adapter) not in OF_CLIENTS]


@contextmanager
def world_of(case: dict[str, Any]) -> Iterator[World]:
    assert case.keys() <= KEYS
    with ExitStack() as stack:
        yield World(case, stack)


@pytest.mark.parametrize("case", parameters(CASES))
def test_session(case: dict[str, Any]) -> None:
    run_session(case)


@pytest.mark.parametrize(
    ("case", "adapter"),
    [
        pytest.param(case, adapter, id=f"{adapter}: {case['name']}")
        for case, adapter in of_adapters([case for case in CASES if "pauses" not in case])
    ],
)
def test_adapter(case: dict[str, Any], adapter: str) -> None:
    run_adapter(case, adapter)


@pytest.mark.sleeps
def test_what_pauses() -> None:
    """The clock cannot be moved from here, so these cases wait: all of them at once."""
    pausing = [case for case in CASES if "pauses" in case]
    runs = [("session", case, partial(run_session, case)) for case in pausing]
    runs += [(adapter, case, partial(run_adapter, case, adapter)) for case, adapter in of_adapters(pausing)]
    with ThreadPoolExecutor(len(runs)) as pool:
        outcomes = [(face, case["name"], pool.submit(run)) for face, case, run in runs]
    failed = [f"{face}: {name}: {error!r}" for face, name, run in outcomes if (error := run.exception()) is not None]
    assert failed == []
