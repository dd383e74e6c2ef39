"""The proxies of `tests/faults.toml`, and the faces that are tried behind them: each stays, and serves many calls."""

from __future__ import annotations

import io
import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx
import requests
import requests.adapters
import urllib3
import xacct_sign
from anyio.from_thread import BlockingPortal, start_blocking_portal
from emulator import Emulator, cli
from xacct_sign.aiohttp import SigV4Middleware
from xacct_sign.httpx import SigV4Auth
from xacct_sign.requests import SigV4Auth as RequestsAuth
from xacct_sign.urllib3 import SigV4PoolManager

BESIDE = 24
"""How many calls are made at a time."""

Call = Callable[[str, str, dict[str, str], "bytes | None", float], "tuple[int, bytes]"]
"""A call by method, URL, headers, body and the client's limit in seconds, to status and body."""


class FaultProxy:
    """The program, for as long as it is needed."""

    def __init__(self) -> None:
        program = [cli().with_name("fault_proxy")]
        self._process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self._url = self._process.stdout.readline().strip()
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def close(self) -> None:
        self._process.communicate(timeout=10)

    def _ask(self, what: str, **about: Any) -> Any:
        request = urllib.request.Request(f"{self._url}/{what}", json.dumps(about).encode())
        with self._opener.open(request) as answer:
            return json.load(answer)

    def open(self, emulator: Emulator, **what: Any) -> Pair:
        opened = self._ask("open", sts=emulator.sts_url, api=emulator.url(), **what)
        return Pair(self, opened["id"], opened["sts"], opened["api"])


@dataclass
class Pair:
    """A proxy in front of STS and one in front of the API."""

    proxy: FaultProxy
    number: int
    sts: str
    api: str

    def came(self) -> dict[str, list[dict[str, Any]]]:
        """What came to each of them."""
        found: dict[str, list[dict[str, Any]]] = self.proxy._ask("came", id=self.number)
        return found

    def calm(self) -> None:
        """From now on nothing fails."""
        self.proxy._ask("calm", id=self.number)


# ---------------------------------------------------------------- faces


@contextmanager
def by_session(role: xacct_sign.AssumeRole) -> Iterator[Call]:
    with xacct_sign.Session(role) as session:

        def call(method: str, url: str, headers: dict[str, str], body: bytes | None, limit: float) -> tuple[int, bytes]:
            answer = session.request(method, url, headers=headers, data=body, timeout=limit)
            return answer.status_code, answer.content

        yield call


@contextmanager
def by_requests(role: xacct_sign.AssumeRole) -> Iterator[Call]:
    with requests.Session() as session:
        session.auth = RequestsAuth(role)
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=BESIDE))

        def call(method: str, url: str, headers: dict[str, str], body: bytes | None, limit: float) -> tuple[int, bytes]:
            answer = session.request(method, url, headers=headers, data=body, timeout=limit)
            return answer.status_code, answer.content

        yield call


@contextmanager
def by_urllib3(role: xacct_sign.AssumeRole) -> Iterator[Call]:
    with SigV4PoolManager(role, maxsize=BESIDE, retries=False) as pool:

        def call(method: str, url: str, headers: dict[str, str], body: bytes | None, limit: float) -> tuple[int, bytes]:
            answer = pool.request(method, url, headers=headers, body=body, timeout=limit)
            return answer.status, answer.data

        yield call


@contextmanager
def by_urllib3_that_retries(role: xacct_sign.AssumeRole) -> Iterator[Call]:
    """By its own defaults: what may be repeated goes out up to four times."""
    with SigV4PoolManager(role, maxsize=BESIDE) as pool:

        def call(method: str, url: str, headers: dict[str, str], body: bytes | None, limit: float) -> tuple[int, bytes]:
            answer = pool.request(method, url, headers=headers, body=body, timeout=limit)
            return answer.status, answer.data

        yield call


@contextmanager
def by_httpx(role: xacct_sign.AssumeRole) -> Iterator[Call]:
    with httpx.Client(auth=SigV4Auth(role)) as client:

        def call(method: str, url: str, headers: dict[str, str], body: bytes | None, limit: float) -> tuple[int, bytes]:
            answer = client.request(method, url, headers=headers, content=body, timeout=limit)
            return answer.status_code, answer.content

        yield call


def by_async_httpx(portal: BlockingPortal) -> Callable[[xacct_sign.AssumeRole], Any]:
    @contextmanager
    def face(role: xacct_sign.AssumeRole) -> Iterator[Call]:
        client = httpx.AsyncClient(auth=SigV4Auth(role))

        async def send(
            method: str, url: str, headers: dict[str, str], body: bytes | None, limit: float
        ) -> tuple[int, bytes]:
            answer = await client.request(method, url, headers=headers, content=body, timeout=limit)
            return answer.status_code, answer.content

        try:
            yield lambda *given: portal.call(send, *given)
        finally:
            portal.call(client.aclose)

    return face


def by_aiohttp(portal: BlockingPortal) -> Callable[[xacct_sign.AssumeRole], Any]:
    @contextmanager
    def face(role: xacct_sign.AssumeRole) -> Iterator[Call]:
        async def opened() -> aiohttp.ClientSession:
            return aiohttp.ClientSession(middlewares=[SigV4Middleware(role)])

        session = portal.call(opened)

        async def send(
            method: str, url: str, headers: dict[str, str], body: bytes | None, limit: float
        ) -> tuple[int, bytes]:
            # It warns of many bytes, not of a file.
            data = io.BytesIO(body) if body and len(body) > 1_000_000 else body
            timeout = aiohttp.ClientTimeout(total=limit)
            async with session.request(method, url, headers=headers, data=data, timeout=timeout) as answer:
                return answer.status, await answer.read()

        try:
            yield lambda *given: portal.call(send, *given)
        finally:
            portal.call(session.close)

    return face


FACES = ["session", "requests", "urllib3", "httpx", "httpx-asyncio", "httpx-trio", "aiohttp"]
RETRIES = "urllib3 that retries"


@contextmanager
def faces() -> Iterator[dict[str, Callable[[xacct_sign.AssumeRole], Any]]]:
    """All of them; the loops of some run in threads of their own."""
    with ExitStack() as stack:
        asyncio = stack.enter_context(start_blocking_portal("asyncio"))
        trio = stack.enter_context(start_blocking_portal("trio"))
        yield {
            "session": by_session,
            "requests": by_requests,
            "urllib3": by_urllib3,
            RETRIES: by_urllib3_that_retries,
            "httpx": by_httpx,
            "httpx-asyncio": by_async_httpx(asyncio),
            "httpx-trio": by_async_httpx(trio),
            "aiohttp": by_aiohttp(asyncio),
        }


# ---------------------------------------------------------------- what came of a call


def code_of(error: Exception) -> str:
    """The code of an error; of a client's own what it says by its class. Any other is raised."""
    if isinstance(error, xacct_sign.XacctSignError):
        return error.code
    if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason:
        return code_of(error.reason)
    late = (requests.Timeout, urllib3.exceptions.TimeoutError, httpx.TimeoutException)
    if isinstance(error, late):
        return "timeout"
    broken = (requests.RequestException, urllib3.exceptions.HTTPError, httpx.TransportError, aiohttp.ClientError)
    if isinstance(error, broken):
        # aiohttp's are both.
        return "timeout" if isinstance(error, TimeoutError) else "transport"
    if isinstance(error, TimeoutError):
        return "timeout"
    raise error
