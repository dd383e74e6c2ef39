"""The adapters for Python's HTTP clients: what they send, and what they refuse, alike."""

from __future__ import annotations

import asyncio
import gc
import io
import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import trio
import urllib3
import xacct_sign
from adapters import ADAPTERS, FACES, GIVEN, SIGNED, each_adapter, each_face, signs
from emulator import Emulator
from helpers import REGION, Answer, Request, fake_role, serve, sts_answer
from test_flows import check_signature
from xacct_sign._signing import Beside
from xacct_sign.aiohttp import SigV4Middleware
from xacct_sign.httpx import SigV4Auth
from xacct_sign.requests import SigV4Auth as RequestsAuth
from xacct_sign.urllib3 import SigV4PoolManager

URLS = 2000


# ---------------------------------------------------------------- one table, every face

PATHS = ["/hoge", "/a b/ü", "/a//b/", "/a%2Fb", "/@connections/x=", "/a:b,c;d", "/x/../y", "/%7e", "/'()*!"]
QUERIES = ["", "?f=id+eq+1", "?b=2&a=1&b=1", "?a&=v&&*=!()'", "?a-b=1&a=2", "?q=a%20b%2f%C3%BC", "?a=;,:@/?"]
BODIES: list[tuple[str, Any, Any]] = [
    ("GET", None, None),
    ("DELETE", None, None),
    ("PUT", {"content-type": "application/json"}, b'{"foo":"bar"}'),
    ("POST", {"content-type": "text/plain; charset=utf-8", "x-a": "1  2"}, "日本 ü".encode()),
    ("PATCH", {"content-type": "text/plain"}, b""),
    ("PUT", {"content-type": "text/plain"}, b"x" * 1_000_000),
    ("PUT", {"authorization": "Bearer x", "x-amz-date": "20150830T123600Z", "x-amz-security-token": "old"}, b"a"),
]


@each_face
def test_the_same_requests_are_accepted(emulator: Emulator, face: str) -> None:
    role = {"role": emulator.assume_role()}
    answers = []
    for target in [*PATHS, *("/hoge" + query for query in QUERIES)]:
        answers.append((target, FACES[face](role, "GET", emulator.url(target), None, None)))
    for method, headers, body in BODIES:
        answers.append((method, FACES[face](role, method, emulator.url("/hoge"), headers, body)))
    assert [(name, got.headers.get("x-xacct-reason")) for name, got in answers if got.status != 200] == []


@each_face
def test_a_file_is_sent_from_where_it_stands(emulator: Emulator, face: str, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"skipped, sent")
    with path.open("rb") as file:
        file.seek(9)
        got = FACES[face]({"role": emulator.assume_role()}, "PUT", emulator.url("/hoge"), None, file)
    assert got.status == 200, got.headers
    assert b'"sent"' in got.body
    memory = io.BytesIO(b"in memory")
    got = FACES[face]({"role": emulator.assume_role()}, "PUT", emulator.url("/hoge"), None, memory)
    assert got.status == 200, got.headers


@each_adapter
def test_a_file_goes_along_with_a_redirect_and_a_second_attempt(adapter: str, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"x" * 1_000_000)
    answers = [Answer(307, {"location": "/next"}), Answer()]
    with serve(lambda _: answers[len(server.requests) - 1]) as server, path.open("rb") as file:
        assert ADAPTERS[adapter](signs(), "PUT", server.url + "/start", None, file).status == 200
    assert [request.target for request in server.requests] == ["/start", "/next"]
    for request in server.requests:
        assert len(request.body) == 1_000_000
        check_signature(request, server, SIGNED)
    late = {"date": "Thu, 01 Jan 2015 00:00:00 GMT"}
    refusals = [Answer(403, late), Answer()]
    with serve(lambda _: refusals[len(server.requests) - 1]) as server, path.open("rb") as file:
        assert ADAPTERS[adapter](signs(), "PUT", server.url + "/start", None, file).status == 200
    assert [len(request.body) for request in server.requests] == [1_000_000, 1_000_000]
    assert server.requests[1].headers["x-amz-date"].startswith("2015")
    check_signature(server.requests[1], server, SIGNED)


class Pipe:
    """What can be read, and not rewound."""

    def read(self, _: int = -1) -> bytes:
        return b""

    def __iter__(self) -> Iterator[bytes]:
        return iter(())


async def stream() -> Any:
    yield b"a"


@each_adapter
@pytest.mark.parametrize("kind", ["generator", "pipe"])
def test_what_can_be_read_only_once_is_refused(adapter: str, kind: str) -> None:
    is_async = adapter.startswith(("httpx-", "aiohttp"))
    body: Any = Pipe() if kind == "pipe" else stream() if is_async else (part for part in [b"a"])
    if kind == "pipe" and adapter == "aiohttp":
        read, write = os.pipe()
        os.close(write)
        body = os.fdopen(read, "rb")
    with serve() as server, pytest.raises(xacct_sign.ValidationError) as caught:
        ADAPTERS[adapter](signs(), "PUT", server.url, None, body)
    assert caught.value.code == "invalid_body"
    assert caught.value.hint
    assert server.connections == 0
    if hasattr(body, "close"):
        body.close()


@each_face
@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://api.example.com/", "insecure_url"),
        ("https://api.example.com/?X-Amz-Signature=a", "already_signed"),
    ],
)
def test_where_no_signed_request_may_go(face: str, url: str, code: str) -> None:
    with pytest.raises(xacct_sign.ValidationError) as caught:
        FACES[face](signs(), "GET", url, None, None)
    assert caught.value.code == code


# ---------------------------------------------------------------- for what, and over plain http

API = "https://abc.execute-api.eu-west-1.amazonaws.com/"
FUNCTION = "https://abc.lambda-url.us-west-2.on.aws/"


@each_adapter
def test_what_contradicts_the_host_is_refused_before_anything_is_sent(adapter: str) -> None:
    with serve(lambda _: sts_answer()) as sts:
        for contradicts in ({"region": "us-east-1"}, {"service": "lambda"}):
            with pytest.raises(xacct_sign.ValidationError) as caught:
                ADAPTERS[adapter]({"role": fake_role(sts)} | contradicts, "GET", API, None, None)
            assert caught.value.code == "scope_mismatch"
        assert sts.requests == []


@pytest.mark.parametrize("made", [RequestsAuth, SigV4Auth, SigV4Middleware, SigV4PoolManager])
def test_region_and_service_are_those_of_the_host(made: Any) -> None:
    signing = made(credentials=xacct_sign.Credentials(*GIVEN))._signing
    for url, scope in [(API, "/eu-west-1/execute-api/"), (FUNCTION, "/us-west-2/lambda/")]:
        for ready in (signing.ready(url), signing.at_hand(url)):
            assert scope in ready.sign("GET", url, {}, None)["authorization"]
    for asked in (signing.ready, signing.at_hand):
        with pytest.raises(xacct_sign.ValidationError) as caught:
            asked("https://api.example.com/")
        assert caught.value.code == "invalid_region"


def test_who_waits_to_sign_for_two_hosts_gets_what_signs_for_each_by_one_call_of_sts() -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def slow(_: Request) -> Answer:
        begun.set()
        goes_on.wait()
        return sts_answer()

    with serve(slow) as sts:
        beside = Beside(SigV4Middleware(fake_role(sts))._signing)
        first = beside.fetch(API)
        begun.wait()
        second = beside.fetch(FUNCTION)
        assert beside.fetch(API + "hoge") is first
        goes_on.set()
        assert "/eu-west-1/execute-api/" in first.result().sign("GET", API, {}, None)["authorization"]
        assert "/us-west-2/lambda/" in second.result().sign("GET", FUNCTION, {}, None)["authorization"]
        assert len(sts.requests) == 1


@each_adapter
def test_plain_http_goes_to_hosts_that_are_allowed(adapter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(lambda _: Answer(body=b"here"), host="0.0.0.0") as server:
        # It leads here, and is no loopback address.
        url = f"http://0.0.0.0:{server.port}/"
        for refused in ({}, {"allow_http_hosts": ["0.0.0.0:1"]}):
            with pytest.raises(xacct_sign.ValidationError) as caught:
                ADAPTERS[adapter](signs() | refused, "GET", url, None, None)
            assert caught.value.code == "insecure_url"
        assert server.requests == []
        with pytest.warns(UserWarning, match="over plain http"):
            got = ADAPTERS[adapter](signs() | {"allow_http_hosts": ["0.0.0.0"]}, "GET", url, None, None)
        assert got.body == b"here"
        assert "authorization" in server.requests[0].headers
        monkeypatch.setenv("XACCT_ALLOW_HTTP_HOSTS", "0.0.0.0")
        with pytest.warns(UserWarning, match="over plain http"):
            assert ADAPTERS[adapter](signs(), "GET", url, None, None).body == b"here"


@each_adapter
def test_arguments_are_those_of_a_session(adapter: str) -> None:
    for given, code in [
        ({"role": None, "region": REGION}, "role_not_given"),
        ({"role": "", "region": REGION}, "role_not_given"),
        ({}, "role_not_given"),
        ({"credentials": xacct_sign.Credentials(*GIVEN)}, "invalid_region"),
        (signs() | {"service": "a/b"}, "invalid_service"),
    ]:
        with pytest.raises(xacct_sign.ValidationError) as caught:
            ADAPTERS[adapter](given, "GET", "https://127.0.0.1:1/", None, None)
        assert caught.value.code == code


def test_an_arn_is_a_role(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", emulator.sts_url)
    arn = emulator.assume_role().role_arn
    for face, call in FACES.items():
        got = call({"role": arn, "region": emulator.region}, "GET", emulator.url("/hoge"), None, None)
        assert got.status == 200, face


# ---------------------------------------------------------------- redirects elsewhere

LEAVES = [
    "http://{elsewhere}/x",
    "//{elsewhere}/x",
    r"http://{origin}\@{elsewhere}/x",
    r"//{origin}\@{elsewhere}/x",
    r"http:\\{origin}\@{elsewhere}/x",
    "http://{origin}@{elsewhere}/x",
    "http://{origin}%5C@{elsewhere}/x",
    "http://{origin}\t@{elsewhere}/x",
]


@each_face
@pytest.mark.parametrize("location", LEAVES)
def test_a_redirect_elsewhere_gets_neither_signature_nor_token(face: str, location: str) -> None:
    def answer(_: Request) -> Answer:
        places = {"origin": f"127.0.0.1:{server.port}", "elsewhere": f"127.0.0.1:{elsewhere.port}"}
        return Answer(307, {"location": location.format(**places)})

    own = (
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        httpx.HTTPError,
        httpx.InvalidURL,
        aiohttp.ClientError,
    )
    with serve() as elsewhere, serve(answer) as server, suppress(*own, xacct_sign.XacctSignError):
        FACES[face](signs(), "PUT", server.url + "/start", None, b"a")
    assert "authorization" in server.requests[0].headers
    for arrived in elsewhere.requests:
        assert not SIGNED - {"host"} & arrived.headers.keys()
        assert not [value for value in arrived.headers.values() if "token" in value]
    if face != "session" and location.startswith("http://{elsewhere}"):
        assert len(elsewhere.requests) == 1


@each_adapter
def test_what_came_back_from_elsewhere_is_not_signed(adapter: str) -> None:
    def answer(request: Request) -> Answer:
        return Answer(302, {"location": elsewhere.url}) if request.target == "/start" else Answer()

    with serve(answer) as server, serve(lambda _: Answer(302, {"location": server.url + "/back"})) as elsewhere:
        ADAPTERS[adapter](signs(), "GET", server.url + "/start", None, None)
    assert [request.target for request in server.requests] == ["/start", "/back"]
    for request in (elsewhere.requests[0], server.requests[1]):
        assert not SIGNED - {"host"} & request.headers.keys()


def test_httpx_takes_no_signature_along_by_a_transport_that_tells_nothing() -> None:
    """Of a redirect, that is: such a transport is not httpcore's."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return (
            httpx.Response(302, headers={"location": "https://other.example.com/"})
            if len(seen) == 1
            else httpx.Response(200)
        )

    transport = httpx.MockTransport(answer)
    with httpx.Client(transport=transport, auth=SigV4Auth(**signs()), follow_redirects=True) as client:
        client.get("https://api.example.com/")
    assert seen[0].headers["authorization"].startswith("AWS4-HMAC-SHA256")
    assert seen[0].headers["x-amz-security-token"] == GIVEN[2]
    assert not SIGNED - {"host"} & seen[1].headers.keys()


def test_aiohttp_keeps_nothing_of_calls_that_are_over() -> None:
    middleware = SigV4Middleware(**signs())

    async def run(url: str) -> None:
        async with aiohttp.ClientSession(middlewares=[middleware]) as session:
            for is_followed in (True, False):
                async with session.get(url + "/start", allow_redirects=is_followed):
                    pass

    with serve(lambda request: Answer(302, {"location": "/b"}) if request.target == "/start" else Answer()) as server:
        asyncio.run(run(server.url))
    gc.collect()
    assert middleware._redirected == {}


@pytest.mark.parametrize("adapter", ["requests", "httpx", "httpx-asyncio"])
def test_plain_http_goes_through_no_proxy_of_the_environment(adapter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve() as proxy, serve() as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        with pytest.raises(xacct_sign.ValidationError) as caught:
            ADAPTERS[adapter](signs(), "GET", server.url, None, None)
        assert caught.value.code == "insecure_url"
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert ADAPTERS[adapter](signs(), "GET", server.url, None, None).status == 200
        assert proxy.connections == 0


@pytest.mark.parametrize("is_given", [True, False], ids=["given", "of the environment"])
def test_aiohttp_sends_plain_http_through_no_proxy(is_given: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def get(**options: Any) -> int:
        async with (
            aiohttp.ClientSession(middlewares=[SigV4Middleware(**signs())], trust_env=not is_given) as session,
            session.get(server.url, **options) as answer,
        ):
            return answer.status

    with serve() as proxy, serve() as server:
        if not is_given:
            monkeypatch.setenv("http_proxy", proxy.url)
        with pytest.raises(xacct_sign.ValidationError) as caught:
            asyncio.run(get(**({"proxy": proxy.url} if is_given else {})))
        assert caught.value.code == "insecure_url"
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert asyncio.run(get()) == 200
        assert (proxy.connections, len(server.requests)) == (0, 1)


# ---------------------------------------------------------------- forms with files


@pytest.mark.parametrize("library", ["no loop", "asyncio", "trio"])
def test_a_form_with_files_is_signed_by_httpx(library: str, emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "sent.txt"
    path.write_bytes(b"from a file")
    auth = SigV4Auth(emulator.assume_role())

    async def post(form: Any) -> httpx.Response:
        async with httpx.AsyncClient(auth=auth) as client:
            return await client.post(emulator.url("/hoge"), data={"field": "1"}, files=form)

    with path.open("rb") as file:
        # Read in part: httpx sends a file of a form from its start.
        file.read(5)
        form = {"file": file, "text": ("n.txt", b"from memory", "text/plain")}
        if library == "no loop":
            with httpx.Client(auth=auth) as client:
                answer = client.post(emulator.url("/hoge"), data={"field": "1"}, files=form)
        else:
            answer = trio.run(post, form) if library == "trio" else asyncio.run(post(form))
    assert answer.status_code == 200, answer.headers
    shown = answer.json()
    assert shown["headers"]["content-type"].startswith("multipart/form-data; boundary=")
    assert [part in shown["body"] for part in ("from a file", "from memory", 'name="field"')] == [True] * 3


def test_a_form_with_a_file_that_can_be_read_only_once_is_refused() -> None:
    read, write = os.pipe()
    os.close(write)
    with serve() as server, os.fdopen(read, "rb") as pipe, httpx.Client(auth=SigV4Auth(**signs())) as client:
        with pytest.raises(xacct_sign.ValidationError) as caught:
            client.post(server.url, files={"file": pipe})
        assert caught.value.code == "invalid_body"
        assert server.connections == 0


# ---------------------------------------------------------------- sent is signed

ALPHABET = [
    *map(chr, range(0x21, 0x7F)),
    " ",
    "ü",
    "日",
    "%20",
    "%2F",
    "%c3%bc",
    "%41",
    "/",
    "/",
    "//",
    "/../",
    "/./",
    "+",
]


def random_target(source: random.Random) -> str:
    def text(length: int) -> str:
        return "".join(source.choice(ALPHABET) for _ in range(source.randrange(length)))

    path = "/" + text(12).replace("?", "").replace("#", "")
    query = "&".join(f"{text(5)}={text(5)}" if source.random() < 0.8 else text(5) for _ in range(source.randrange(4)))
    return path + (f"?{query}" if query else "")


@contextmanager
def client(adapter: str) -> Iterator[Callable[[str], Any]]:
    """A client that stays, as thousands of calls are made."""
    with ExitStack() as stack:
        if adapter == "requests":
            session = stack.enter_context(requests.Session())
            session.auth = RequestsAuth(**signs())
            yield session.get
        elif adapter == "urllib3":
            pool = stack.enter_context(SigV4PoolManager(**signs()))
            yield lambda url: pool.request("GET", url)
        elif adapter == "httpx":
            yield stack.enter_context(httpx.Client(auth=SigV4Auth(**signs()))).get
        elif adapter == "aiohttp":
            runner = stack.enter_context(asyncio.Runner())

            async def opened() -> aiohttp.ClientSession:
                return aiohttp.ClientSession(middlewares=[SigV4Middleware(**signs())])

            async def get(url: str) -> None:
                async with connection.get(url):
                    pass

            connection = runner.run(opened())
            yield lambda url: runner.run(get(url))
            runner.run(connection.close())
        else:
            runner = stack.enter_context(asyncio.Runner())
            asynchronous = httpx.AsyncClient(auth=SigV4Auth(**signs()))
            yield lambda url: runner.run(asynchronous.get(url))
            runner.run(asynchronous.aclose())


@pytest.mark.parametrize("adapter", [adapter for adapter in ADAPTERS if adapter != "httpx-trio"])
def test_what_is_sent_is_what_is_signed(adapter: str) -> None:
    source = random.Random(14)
    own = (requests.RequestException, urllib3.exceptions.HTTPError, httpx.InvalidURL, aiohttp.InvalidURL, ValueError)
    with serve() as server, client(adapter) as get:
        refused = 0
        for _ in range(URLS):
            target = random_target(source)
            try:
                get(server.url + target)
            except own:
                refused += 1
        for request in server.requests:
            check_signature(request, server, SIGNED)
        assert len(server.requests) + refused == URLS
        # A client complains of some before it asks anybody for a signature.
        assert refused < URLS / 10
