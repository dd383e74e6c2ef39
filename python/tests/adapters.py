"""One call by each of the HTTP clients that Python's users have, through the adapter for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import trio
import urllib3
import xacct_sign
import xacct_sign.aiohttp
import xacct_sign.httpx
import xacct_sign.requests
import xacct_sign.urllib3
from helpers import REGION
from yarl import URL


@dataclass
class Got:
    """An answer, however it came."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def by_session(signs: dict[str, Any], method: str, url: str, headers: Any, body: Any) -> Got:
    answer = xacct_sign.Session(**signs).request(method, url, headers=headers, data=body)
    return Got(answer.status_code, dict(answer.headers), answer.content)


def by_requests(signs: dict[str, Any], method: str, url: str, headers: Any, body: Any) -> Got:
    auth = xacct_sign.requests.SigV4Auth(**signs)
    answer = requests.request(method, url, headers=headers, data=body, auth=auth, timeout=35)
    return Got(answer.status_code, dict(answer.headers), answer.content)


def by_urllib3(signs: dict[str, Any], method: str, url: str, headers: Any, body: Any) -> Got:
    with xacct_sign.urllib3.SigV4PoolManager(**signs, retries=urllib3.Retry(10, connect=0, read=0, other=0)) as pool:
        answer = pool.request(method, url, headers=headers, body=body)
        return Got(answer.status, dict(answer.headers), answer.data)


def by_httpx(signs: dict[str, Any], method: str, url: str, headers: Any, body: Any) -> Got:
    auth = xacct_sign.httpx.SigV4Auth(**signs)
    with httpx.Client(auth=auth, follow_redirects=True, timeout=35) as client:
        answer = client.request(method, url, headers=headers, content=body)
    return Got(answer.status_code, dict(answer.headers), answer.content)


async def _httpx(signs: dict[str, Any], method: str, url: str, headers: Any, body: Any) -> Got:
    auth = xacct_sign.httpx.SigV4Auth(**signs)
    async with httpx.AsyncClient(auth=auth, follow_redirects=True, timeout=35) as client:
        answer = await client.request(method, url, headers=headers, content=body)
    return Got(answer.status_code, dict(answer.headers), answer.content)


async def _aiohttp(signs: dict[str, Any], method: str, url: str, headers: Any, body: Any) -> Got:
    middleware = xacct_sign.aiohttp.SigV4Middleware(**signs)
    async with (
        aiohttp.ClientSession(middlewares=[middleware]) as session,
        session.request(method, URL(url), headers=headers, data=body) as answer,
    ):
        return Got(answer.status, dict(answer.headers), await answer.read())


def by_httpx_with_asyncio(*call: Any) -> Got:
    return asyncio.run(_httpx(*call))


def by_httpx_with_trio(*call: Any) -> Got:
    return trio.run(_httpx, *call)


def by_aiohttp(*call: Any) -> Got:
    return asyncio.run(_aiohttp(*call))


Call = Callable[[dict[str, Any], str, str, Any, Any], Got]

ADAPTERS: dict[str, Call] = {
    "requests": by_requests,
    "urllib3": by_urllib3,
    "httpx": by_httpx,
    "httpx-asyncio": by_httpx_with_asyncio,
    "httpx-trio": by_httpx_with_trio,
    "aiohttp": by_aiohttp,
}

FACES: dict[str, Call] = {"session": by_session} | ADAPTERS
each_face = pytest.mark.parametrize("face", FACES)
each_adapter = pytest.mark.parametrize("adapter", ADAPTERS)

GIVEN = ("AKIDGIVEN", "given-secret", "given-token")
"""The parts of the credentials that sign."""

SIGNED = {"host", "x-amz-date", "x-amz-security-token"}
"""The headers that are signed of every request."""


def signs() -> dict[str, Any]:
    """The arguments of whatever signs."""
    return {"credentials": xacct_sign.Credentials(*GIVEN), "region": REGION}
