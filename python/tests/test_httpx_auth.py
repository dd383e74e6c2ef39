"""`xacct_sign.httpx.SigV4Auth`: event hooks, custom transports, and requests that are sent more than once."""

from __future__ import annotations

import asyncio
import gc
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import xacct_sign
import xacct_sign.httpx
from adapters import GIVEN, SIGNED
from helpers import REGION, Answer, serve
from test_flows import check_signature
from xacct_sign.httpx import SigV4Auth


def auth() -> SigV4Auth:
    return SigV4Auth(credentials=xacct_sign.Credentials(*GIVEN), region=REGION)


def put_with_hook(url: str, hook: Callable[[httpx.Request], object], how: str = "sync") -> httpx.Response:
    """One call by a client with this hook; of an `AsyncClient` where that is asked for."""
    headers = {"x-given": "1", "x-removed": "1"}
    if how == "sync":
        with httpx.Client(auth=auth(), event_hooks={"request": [hook]}, follow_redirects=True) as client:
            return client.put(url, headers=headers, content=b"a")

    async def awaited(request: httpx.Request) -> None:
        hook(request)

    async def run() -> httpx.Response:
        hooks: Any = {"request": [awaited]}
        async with httpx.AsyncClient(auth=auth(), event_hooks=hooks, follow_redirects=True) as client:
            return await client.put(url, headers=headers, content=b"a")

    return asyncio.run(run())


def change(request: httpx.Request) -> None:
    headers = request.headers
    headers["x-set"] = "set"
    headers["x-given"] = "changed"
    headers.update({"x-updated": "updated", "x-set": "set again"})
    assert headers.setdefault("x-default", "default") == "default"
    assert headers.setdefault("x-given", "not this") == "changed"
    assert headers.pop("x-removed", None) is not None
    assert headers.pop("x-removed", "gone") == "gone"
    del headers["user-agent"]
    assert (headers["x-set"], "x-removed" in headers) == ("set again", False)
    with pytest.raises(KeyError):
        del headers["x-none"]


@pytest.mark.parametrize("how", ["sync", "asyncio"])
def test_what_an_event_hook_changes_of_the_headers_is_sent_and_signed(how: str) -> None:
    late = {"date": "Thu, 01 Jan 2015 00:00:00 GMT"}
    answers = [Answer(403, late), Answer(307, {"location": "/next"}), Answer()]
    changed = {"x-set": "set again", "x-given": "changed", "x-updated": "updated", "x-default": "default"}

    def hook(request: httpx.Request) -> None:
        if request.url.path == "/start":
            change(request)

    with serve(lambda _: answers[len(server.requests) - 1]) as server:
        put_with_hook(server.url + "/start", hook, how)
    # The second attempt has its own hooks, and a redirect's request what the hooks of the first made of it.
    assert [request.target for request in server.requests] == ["/start", "/start", "/next"]
    for request in server.requests:
        assert {name: request.headers.get(name) for name in changed} == changed
        assert not {"x-removed", "user-agent"} & request.headers.keys()
        check_signature(request, server, SIGNED | changed.keys())


@pytest.mark.parametrize("name", ["Authorization", "x-amz-date", "X-Amz-Security-Token", "x-amz-content-sha256"])
def test_an_event_hook_that_changes_the_signature_is_refused(name: str) -> None:
    def set_it(request: httpx.Request) -> None:
        request.headers[name] = "other"

    def update_it(request: httpx.Request) -> None:
        request.headers.update({"x-a": "1", name: "other"})

    def delete_it(request: httpx.Request) -> None:
        del request.headers[name]

    with serve() as server:
        for hook in (set_it, update_it, delete_it):
            with pytest.raises(xacct_sign.ValidationError) as caught:
                put_with_hook(server.url, hook)
            assert caught.value.code == "invalid_header"
            assert name.lower() in str(caught.value)
        assert server.connections == 0


def test_a_copy_of_signed_headers_has_no_signature() -> None:
    """As httpx makes one for a redirect; a request that is pickled has none either."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    with httpx.Client(auth=auth(), transport=httpx.MockTransport(answer)) as client:
        client.get("https://api.example.com/", headers={"x-a": "1"})
    signed = seen[0].headers
    assert signed["authorization"].startswith("AWS4-HMAC-SHA256")
    for copied in (signed.copy(), httpx.Headers(signed), pickle.loads(pickle.dumps(seen[0])).headers):
        assert copied["x-a"] == "1"
        assert not (SIGNED | {"authorization"}) - {"host"} & set(copied)


def test_signed_headers_are_shown_without_the_session_token() -> None:
    shown: list[str] = []
    with serve() as server:
        put_with_hook(server.url, lambda request: shown.append(f"{request.headers!r} {request!r}"))
    assert GIVEN[2] not in shown[0]
    assert "'x-amz-security-token': '[secure]'" in shown[0]
    assert "'authorization': '[secure]'" in shown[0]
    assert "'x-given': '1'" in shown[0]


def test_a_transport_that_copies_the_headers_sends_them_signed() -> None:
    """As OpenTelemetry's does."""

    class Tracing(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            headers = httpx.Headers(request.headers)
            headers["x-copied"] = "1"
            request.headers = headers
            return super().handle_request(request)

    with serve() as server, httpx.Client(auth=auth(), transport=Tracing()) as client:
        client.get(server.url)
    check_signature(server.requests[0], server, SIGNED | {"x-copied"})


@pytest.mark.parametrize("how", ["sync", "asyncio"])
def test_a_request_that_is_sent_again_keeps_nothing_of_its_earlier_calls(how: str) -> None:
    """A trace of the request's own is called once for each event, from no deeper than the first time."""
    depths: list[int] = []

    def trace(name: str, _: dict[str, Any]) -> None:
        if name == "http11.send_request_headers.started":
            depths.append(len(inspect.stack(0)))

    async def awaited(name: str, info: dict[str, Any]) -> None:
        trace(name, info)

    async def run() -> None:
        async with httpx.AsyncClient(auth=auth()) as client:
            request = client.build_request("PUT", server.url, content=b"a", extensions={"trace": awaited})
            for _ in range(5):
                await client.send(request)

    with serve() as server:
        if how == "sync":
            with httpx.Client(auth=auth()) as client:
                request = client.build_request("PUT", server.url, content=b"a", extensions={"trace": trace})
                for _ in range(5):
                    client.send(request)
                gc.collect()
                # Of other libraries' objects one may do anything when it is asked what it is.
                calls = [each for each in gc.get_objects() if type(each) is xacct_sign.httpx._Call]
                assert len(calls) == 1
        else:
            asyncio.run(run())
    # The first one connects on its way.
    assert len(depths) == 5
    assert len(set(depths[1:])) == 1
    for sent in server.requests:
        check_signature(sent, server, SIGNED)
