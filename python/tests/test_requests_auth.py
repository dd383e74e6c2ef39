"""`xacct_sign.requests.SigV4Auth` against the emulator."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
import xacct_sign
from emulator import Emulator
from helpers import REGION, Answer, Request, authorization, fake_role, serve, signature, signed_headers
from xacct_sign.requests import SigV4Auth

SIGNING = {"authorization", "x-amz-date", "x-amz-security-token"}


@pytest.fixture
def http(emulator: Emulator) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.auth = SigV4Auth(emulator.assume_role())
        yield session


@pytest.fixture
def plain(credentials: xacct_sign.Credentials) -> Iterator[requests.Session]:
    """Signs with fixed credentials, for servers that check nothing."""
    with requests.Session() as session:
        session.auth = SigV4Auth(credentials=credentials, region=REGION)
        yield session


def echo(response: requests.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.headers.get("x-xacct-reason")
    shown = response.json()
    assert isinstance(shown, dict)
    return shown


def signed_again(request: Request, url: str, credentials: xacct_sign.Credentials) -> bool:
    """Whether a request's signature is right for what arrived."""
    now = datetime.strptime(request.headers["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    names = signed_headers(request.headers["authorization"])
    headers = {name: request.headers[name] for name in names if name not in SIGNING}
    signer = xacct_sign.Signer(credentials, REGION)
    added = signer.sign(request.method, url + request.target, headers, request.body, now=now)
    return added["authorization"] == request.headers["authorization"]


def test_json(emulator: Emulator, http: requests.Session) -> None:
    assert echo(http.put(emulator.url("/hoge"), json={"foo": "bar"}))["body"] == '{"foo": "bar"}'


@pytest.mark.parametrize("body", ["日本 ü", "ascii", b"bytes", "", b"", None, bytearray(b"array")])
def test_bodies(emulator: Emulator, http: requests.Session, body: Any) -> None:
    expected = body.encode() if isinstance(body, str) else bytes(body or b"")
    shown = echo(http.put(emulator.url("/hoge"), data=body, headers={"Content-Type": "text/plain; charset=utf-8"}))
    assert shown["body"] == expected.decode()


def test_form_and_multipart(emulator: Emulator, http: requests.Session) -> None:
    assert echo(http.post(emulator.url("/hoge"), data={"a": "ü &"}))["body"] == "a=%C3%BC+%26"
    shown = echo(http.post(emulator.url("/hoge"), files={"f": ("n.txt", b"content")}))
    assert "content" in shown["body"]
    assert shown["headers"]["content-type"].startswith("multipart/form-data; boundary=")


def test_a_file_is_hashed_and_rewound(emulator: Emulator, http: requests.Session, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"x" * 3_000_000)
    with path.open("rb") as file:
        assert len(echo(http.put(emulator.url("/hoge"), data=file))["body"]) == 3_000_000
    file_in_memory = io.BytesIO(b"skipped, sent")
    file_in_memory.seek(9)
    assert echo(http.put(emulator.url("/hoge"), data=file_in_memory))["body"] == "sent"


def test_a_generator_is_refused(emulator: Emulator, http: requests.Session) -> None:
    with pytest.raises(xacct_sign.ValidationError) as caught:
        http.put(emulator.url("/hoge"), data=(part for part in [b"a", b"b"]))
    assert caught.value.code == "invalid_body"
    assert "b''.join" in str(caught.value)


def test_a_stream_that_cannot_be_rewound_is_refused(credentials: xacct_sign.Credentials) -> None:
    class Pipe:
        def read(self, size: int = -1) -> bytes:
            return b""

    prepared = requests.Request("PUT", "https://api.example.com/").prepare()
    prepared.body = Pipe()  # type: ignore[assignment]
    with pytest.raises(xacct_sign.ValidationError) as caught:
        SigV4Auth(credentials=credentials, region=REGION)(prepared)
    assert caught.value.code == "invalid_body"


@pytest.mark.parametrize(
    ("url", "params", "query"),
    [
        ("/hoge?f=id+eq+1", None, "f=id%20eq%201"),
        ("/hoge?b=2&a=1&b=1", None, "a=1&b=2&b=1"),
        ("/hoge?a&=v&&*=!()'", None, "=v&%2A=%21%28%29%27&a="),
        ("/hoge", {"q": "a b/ü", "l": ["2", "1"]}, "l=2&l=1&q=a%20b%2F%C3%BC"),
        ("/hoge?a-b=1&a=2", None, "a=2&a-b=1"),
        ("/hoge#f?x", None, ""),
    ],
)
def test_queries(emulator: Emulator, http: requests.Session, url: str, params: Any, query: str) -> None:
    shown = echo(http.get(emulator.url(url), params=params))
    assert (shown["path"], shown["query"]) == ("/hoge", query)


@pytest.mark.parametrize("path", ["/a b/ü", "/a//b/", "/a%2Fb", "/@connections/x=", "/a:b,c;d"])
def test_paths(emulator: Emulator, http: requests.Session, path: str) -> None:
    shown = echo(http.get(emulator.url(path)))
    assert emulator.url(shown["path"]) == xacct_sign.canonical_url(emulator.url(path))


def test_headers_and_cookies(emulator: Emulator, http: requests.Session) -> None:
    http.cookies.set("a", "b")
    shown = echo(http.get(emulator.url("/hoge"), headers={"X-A": "1  2", "X-Bytes": b"\xc3\xbc"}))["headers"]
    assert (shown["x-a"], shown["cookie"], shown["x-bytes"]) == ("1  2", "a=b", "ü")


def test_an_existing_authorization_is_dropped(emulator: Emulator, http: requests.Session) -> None:
    old = {"Authorization": "Bearer x", "X-Amz-Date": "20150830T123600Z", "x-amz-security-token": "old"}
    echo(http.get(emulator.url("/hoge"), headers=old))


def test_a_prepared_request_is_signed_again_when_sent_again(emulator: Emulator) -> None:
    auth = SigV4Auth(emulator.assume_role())
    prepared = requests.Request("PUT", emulator.url("/hoge?b=1&a=+"), json={"foo": "bar"}, auth=auth).prepare()
    with requests.Session() as session:
        for _ in range(3):
            assert echo(session.send(prepared))["query"] == "a=%20&b=1"
            # As a retry does that goes through the adapter.
            prepared = auth(prepared)
    authorizations = [name for name in prepared.headers if name.lower() == "authorization"]
    assert len(authorizations) == 1


def test_a_retry_with_other_credentials_leaves_nothing_of_the_old(credentials: xacct_sign.Credentials) -> None:
    prepared = requests.Request("GET", "https://api.example.com/").prepare()
    SigV4Auth(credentials=credentials, region=REGION)(prepared)
    assert prepared.headers["x-amz-security-token"] == "token"
    SigV4Auth(credentials=xacct_sign.Credentials("AKIDOTHER", "secret"), region=REGION)(prepared)
    assert "x-amz-security-token" not in prepared.headers
    assert "AKIDOTHER" in prepared.headers["authorization"]


def test_past_midnight(credentials: xacct_sign.Credentials) -> None:
    signer = xacct_sign.Signer(credentials, REGION)
    at = datetime(2015, 8, 30, 23, 59, 59, tzinfo=timezone.utc)
    first = signer.sign("GET", "https://api.example.com/", now=at)
    second = signer.sign("GET", "https://api.example.com/", now=at + timedelta(seconds=1))
    assert "/20150830/" in first["authorization"]
    assert "/20150831/" in second["authorization"]
    fresh = xacct_sign.Signer(credentials, REGION)
    assert second == fresh.sign("GET", "https://api.example.com/", now=at + timedelta(seconds=1))
    # A zone of its own does not change the day of the request in UTC.
    tokyo = at.astimezone(timezone(timedelta(hours=9)))
    assert signer.sign("GET", "https://api.example.com/", now=tokyo) == first


@pytest.mark.parametrize(
    ("status", "method", "then", "keeps_body"),
    [(302, "POST", "GET", False), (303, "PUT", "GET", False), (307, "PUT", "PUT", True), (308, "POST", "POST", True)],
)
def test_a_redirect_within_the_origin_is_signed_anew(
    plain: requests.Session, credentials: xacct_sign.Credentials, status: int, method: str, then: str, keeps_body: bool
) -> None:
    def answer(request: Request) -> Answer:
        if request.target == "/start":
            return Answer(status, {"location": "/there?a=1&b=2", "set-cookie": "c=d"})
        return Answer()

    with serve(answer) as server:
        response = plain.request(method, server.url + "/start", data="日本", headers={"content-type": "text/plain"})
    assert response.status_code == 200
    first, second = server.requests
    assert (second.method, second.target) == (then, "/there?a=1&b=2")
    assert second.body == ("日本".encode() if keeps_body else b"")
    assert signed_again(first, server.url, credentials)
    assert signed_again(second, server.url, credentials)


@pytest.mark.parametrize(
    "location",
    [
        *("/there?b=2&a=1", "/there?f=id+eq+1", "/there?a=*!()'&b=%2f", "/there?&&a", "/there#f"),
        *("/a b", "there", "/ü", "/x/../y", "/x/./y", "/x//y", "/%7e", "/a%2fb", "/%c3%bc", "/@a:b;c=d", "/100%"),
        *(r"/a\b", r"/a\..\b?c\d"),
    ],
)
def test_the_url_of_a_redirect_is_signed_as_it_is_sent(
    plain: requests.Session, credentials: xacct_sign.Credentials, location: str
) -> None:
    def answer(request: Request) -> Answer:
        # `http.server` writes headers as ISO 8859-1, servers as UTF-8.
        wire = location.encode().decode("latin-1")
        return Answer(302, {"location": wire}) if request.target == "/start" else Answer()

    with serve(answer) as server:
        plain.get(server.url + "/start")
    assert signed_again(server.requests[1], server.url, credentials), server.requests[1].target


@pytest.mark.parametrize(
    "location",
    [
        "http://{elsewhere}/x",
        "//{elsewhere}/x",
        # To a browser what follows a backslash is a path; requests takes what stands before it for user info.
        r"http://{origin}\@{elsewhere}/x",
        r"//{origin}\@{elsewhere}/x",
        r"http:\\{origin}\@{elsewhere}/x",
        "http://{origin}@{elsewhere}/x",
        "http://{origin}%5C@{elsewhere}/x",
        "http://{origin}\t@{elsewhere}/x",
    ],
)
def test_a_redirect_elsewhere_gets_neither_signature_nor_token(plain: requests.Session, location: str) -> None:
    def answer(_: Request) -> Answer:
        places = {"origin": f"127.0.0.1:{server.port}", "elsewhere": f"127.0.0.1:{elsewhere.port}"}
        return Answer(307, {"location": location.format(**places)})

    with serve() as elsewhere, serve(answer) as server, suppress(requests.RequestException):
        plain.put(server.url + "/start", json={"foo": "bar"})
    assert "authorization" in server.requests[0].headers
    # Whether requests goes there at all is its own affair.
    for arrived in elsewhere.requests:
        assert not SIGNING & arrived.headers.keys()
        assert not [value for value in arrived.headers.values() if "token" in value]
    if location in ("http://{elsewhere}/x", r"http://{origin}\@{elsewhere}/x"):
        assert len(elsewhere.requests) == 1


def test_a_redirect_elsewhere_and_back_is_not_signed(plain: requests.Session) -> None:
    def answer(request: Request) -> Answer:
        return Answer(302, {"location": elsewhere.url}) if request.target == "/start" else Answer()

    with serve(answer) as server, serve(lambda _: Answer(302, {"location": server.url + "/back"})) as elsewhere:
        plain.get(server.url + "/start")
    assert [request.target for request in server.requests] == ["/start", "/back"]
    assert not SIGNING & elsewhere.requests[0].headers.keys()


def test_the_region_of_a_role_is_the_default(emulator: Emulator) -> None:
    auth = SigV4Auth(emulator.assume_role())
    prepared = requests.Request("GET", "https://api.example.com/", auth=auth).prepare()
    assert f"/{emulator.region}/execute-api/" in prepared.headers["authorization"]


def test_region_and_service_are_those_given(credentials: xacct_sign.Credentials) -> None:
    auth = SigV4Auth(credentials=credentials, region="eu-west-1", service="lambda")
    prepared = requests.Request("GET", "https://api.example.com/", auth=auth).prepare()
    assert "/eu-west-1/lambda/" in prepared.headers["authorization"]


def test_credentials_are_fetched_when_the_first_request_is_signed() -> None:
    with serve() as sts:
        SigV4Auth(fake_role(sts))
        assert sts.connections == 0


def test_a_host_header_is_signed(plain: requests.Session, credentials: xacct_sign.Credentials) -> None:
    with serve() as server:
        plain.get(server.url, headers={"Host": "api.example.com"})
    assert server.requests[0].headers["host"] == "api.example.com"
    assert signed_again(server.requests[0], server.url, credentials)


def test_the_signature_covers_the_body(plain: requests.Session) -> None:
    with serve() as server:
        plain.put(server.url, data="a")
        plain.put(server.url, data="b")
    one, other = server.requests
    assert authorization(one)["Signature"] != authorization(other)["Signature"]
    assert signature(one.headers["authorization"]) == authorization(one)["Signature"]


def test_plain_http_elsewhere_is_refused(credentials: xacct_sign.Credentials) -> None:
    auth = SigV4Auth(credentials=credentials, region="us-east-1")
    with pytest.raises(xacct_sign.ValidationError) as caught:
        requests.Request("GET", "http://api.example.com/", auth=auth).prepare()
    assert caught.value.code == "insecure_url"


def test_c12_what_is_in_localhost_is_looked_up_by_requests_and_refused(credentials: xacct_sign.Credentials) -> None:
    auth = SigV4Auth(credentials=credentials, region="us-east-1")
    for host in ("api.localhost", "API.LOCALHOST:8080", "a.b.localhost"):
        with pytest.raises(xacct_sign.ValidationError) as caught:
            requests.Request("GET", f"http://{host}/", auth=auth).prepare()
        assert caught.value.code == "insecure_url"
    assert requests.Request("GET", "http://localhost:8080/", auth=auth).prepare().headers["authorization"]


def test_a_location_that_is_no_url_raises_nothing_of_ours(credentials: xacct_sign.Credentials) -> None:
    with serve(lambda _: Answer(302, {"location": "http://h:99999/"})) as server:
        auth = SigV4Auth(credentials=credentials, region="us-east-1")
        answer = requests.get(server.url, auth=auth, allow_redirects=False, timeout=10)
        assert answer.status_code == 302


def test_a_file_goes_along_with_a_redirect(emulator: Emulator, tmp_path: Path) -> None:
    """The gateway in front, a server that redirects behind it: each request is verified."""
    file = tmp_path / "body"
    file.write_bytes(b"content")
    seen: list[tuple[str, bytes]] = []

    def answer(request: Request) -> Answer:
        seen.append((request.target, request.body))
        return Answer(307, {"location": "/to"}) if request.target == "/from" else Answer()

    with serve(answer) as upstream, Emulator("--upstream", upstream.url) as running, file.open("rb") as body:
        auth = SigV4Auth(running.assume_role())
        done = requests.put(running.url("/from"), data=body, auth=auth, timeout=10)
    assert done.status_code == 200
    assert seen == [("/from", b"content"), ("/to", b"content")]


def test_what_netrc_has_does_not_replace_the_signature_of_a_redirect(
    plain: requests.Session, credentials: xacct_sign.Credentials, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password pw")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    def answer(request: Request) -> Answer:
        targets = {"/start": "/next", "/next": "/last", "/last": elsewhere.url}
        return Answer(302, {"location": targets[request.target]})

    with serve() as elsewhere, serve(answer) as server:
        done = plain.get(server.url + "/start")
    assert [request.target for request in server.requests] == ["/start", "/next", "/last"]
    # Who sends one of these again may give it another authorization.
    for each in (*done.history[1:], done):
        each.request.headers["Authorization"] = "other"
        assert each.request.copy().headers["authorization"] == "other"
    for request in server.requests:
        assert signed_again(request, server.url, credentials)
    # Where no signature goes, requests' own rules are as they were.
    assert elsewhere.requests[0].headers["authorization"].startswith("Basic ")
    assert not SIGNING - {"authorization"} & elsewhere.requests[0].headers.keys()
