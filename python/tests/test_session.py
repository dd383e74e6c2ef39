"""`Session` against the emulator's echo, and against servers that misbehave."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xacct_sign
from emulator import Emulator
from helpers import (
    BRIEF,
    EXTERNAL_ID,
    REGION,
    ROLE_ARN,
    Answer,
    Request,
    authorization,
    fake_role,
    serve,
    signed_headers,
    sts_answer,
)

METHODS = ("get", "post", "put", "patch", "delete", "options")


@pytest.fixture
def session(emulator: Emulator) -> xacct_sign.Session:
    return emulator.session()


@pytest.fixture
def direct(credentials: xacct_sign.Credentials) -> xacct_sign.Session:
    """A session without a role and without a base URL."""
    return xacct_sign.Session(credentials=credentials, region=REGION)


def echo(response: xacct_sign.Response) -> dict[str, Any]:
    response.raise_for_status()
    shown = response.json()
    assert isinstance(shown, dict)
    return shown


@pytest.mark.parametrize("method", METHODS)
def test_methods(session: xacct_sign.Session, method: str) -> None:
    assert echo(getattr(session, method)("/hoge"))["method"] == method.upper()


def test_head_has_no_body(session: xacct_sign.Session) -> None:
    response = session.head("/hoge")
    assert (response.status_code, response.content) == (200, b"")


def test_a_method_is_sent_in_upper_case(session: xacct_sign.Session) -> None:
    assert echo(session.request("put", "/hoge"))["method"] == "PUT"


def test_a_method_of_the_users_own_has_a_body(direct: xacct_sign.Session) -> None:
    with serve() as server:
        direct.request("PURGE", server.url, data=b"x")
    assert (server.requests[0].method, server.requests[0].body) == ("PURGE", b"x")


@pytest.mark.parametrize("method", ["get", "delete", "post"])
def test_a_body_with_any_method(session: xacct_sign.Session, method: str) -> None:
    assert echo(getattr(session, method)("/hoge", data=b"body"))["body"] == "body"


@pytest.mark.parametrize(
    ("url", "params", "path", "query"),
    [
        ("/hoge", {"b": "2", "a": "1"}, "/hoge", "a=1&b=2"),
        ("/hoge?z=1", {"a": 1.5}, "/hoge", "a=1.5&z=1"),
        ("/hoge", {"id": [3, None, 1], "none": None, "empty": [], "tuple": ("x",)}, "/hoge", "id=3&id=1&tuple=x"),
        ("/hoge", [("a", "2"), ("b", ""), ("a", "1")], "/hoge", "a=2&a=1&b="),
        ("/hoge", {"q": "ü &=+/日本", "b": b"bytes"}, "/hoge", "b=bytes&q=%C3%BC%20%26%3D%2B%2F%E6%97%A5%E6%9C%AC"),
        ("/hoge#fragment?x=1", {"a": "1"}, "/hoge", "a=1"),
        ("/hoge?f=id+eq+1&*=!()'", None, "/hoge", "%2A=%21%28%29%27&f=id%20eq%201"),
        ("/hoge?&&a&=v", {}, "/hoge", "=v&a="),
        ("/hoge", {"": ""}, "/hoge", "="),
        ("/a b/ü/./x/../@c=;d", None, "/a%20b/%C3%BC/@c=;d", ""),
        ("/a%2Fb/%c3%bc/%7e", None, "/a%2Fb/%C3%BC/~", ""),
        ("/a//b/", None, "/a//b/", ""),
        ("hoge", None, "/hoge", ""),
        ("", None, "/", ""),
        ("?a=1", None, "/", "a=1"),
    ],
)
def test_paths_and_params(session: xacct_sign.Session, url: str, params: Any, path: str, query: str) -> None:
    response = session.get(url, params=params)
    shown = echo(response)
    assert (shown["path"], shown["query"]) == (path, query)
    # What was sent is what `canonical_url` gives, and what the answer says answered.
    assert response.url == xacct_sign.canonical_url(response.url)
    assert response.url.endswith(path + ("?" + query if query else ""))


@pytest.mark.parametrize("value", [{"foo": "bar"}, [], 0, [None], False, "日本", {"ü": 1.5}])
def test_json(session: xacct_sign.Session, value: object) -> None:
    shown = echo(session.put("/hoge", json=value))
    assert json.loads(shown["body"]) == value
    assert shown["headers"]["content-type"] == "application/json"


def test_json_none_is_no_body(session: xacct_sign.Session) -> None:
    shown = echo(session.put("/hoge", json=None))
    assert shown["body"] == ""
    assert "content-type" not in shown["headers"]


@pytest.mark.parametrize("body", ["text", "日本 ü", b"bytes", bytearray(b"array"), memoryview(b"view"), "", b"", None])
def test_bodies(session: xacct_sign.Session, body: Any) -> None:
    expected = (body or b"") if not isinstance(body, str) else body.encode()
    shown = echo(session.put("/hoge", data=body))
    assert shown["body"] == bytes(expected).decode()
    assert shown["headers"]["content-length"] == str(len(bytes(expected)))
    assert "content-type" not in shown["headers"]


def test_binary_body(session: xacct_sign.Session) -> None:
    shown = echo(session.put("/hoge", data=b"\xff\x00"))
    assert (shown["body"], shown["isBase64Encoded"]) == ("/wA=", True)


def test_a_file_is_read_from_where_it_stands_and_rewound(session: xacct_sign.Session, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"skipped, sent")
    with path.open("rb") as file:
        file.seek(9)
        for _ in range(2):
            assert echo(session.put("/hoge", data=file))["body"] == "sent"
            assert file.tell() == 9
    with path.open(encoding="utf-8") as file:
        assert echo(session.put("/hoge", data=file))["body"] == "skipped, sent"


def test_a_pipe_is_a_file_that_cannot_be_rewound(session: xacct_sign.Session) -> None:
    class Pipe:
        def read(self) -> bytes:
            return b"once"

    assert echo(session.put("/hoge", data=Pipe()))["body"] == "once"


@pytest.mark.parametrize(
    "form", [{"a": "ü &", "b": ["1", 2], "none": None}, [("a", "ü &"), ("b", "1"), ("b", 2), ("none", None)]]
)
def test_forms(session: xacct_sign.Session, form: Any) -> None:
    shown = echo(session.post("/hoge", data=form))
    assert shown["body"] == "a=%C3%BC+%26&b=1&b=2"
    assert shown["headers"]["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "content_type",
    ["application/JSON;charset=UTF-8", "multipart/form-data; boundary=AaB03x", "application/merge-patch+json"],
)
@pytest.mark.parametrize("name", ["Content-Type", "content-type", "CONTENT-TYPE"])
def test_a_content_type_stays_to_the_letter(session: xacct_sign.Session, content_type: str, name: str) -> None:
    for body in ({"json": {}}, {"data": {"a": "b"}}, {"data": "text"}):
        shown = echo(session.put("/hoge", headers={name: content_type}, **body))
        assert shown["headers"]["content-type"] == content_type


def test_headers_in_every_form(session: xacct_sign.Session) -> None:
    for headers in (
        {"X-A": "1  2", "x-b": b"\xc3\xbc"},
        [("X-A", "1  2"), ("x-b", "ü")],
        {b"X-A": b"1  2", b"x-b": "ü"},
    ):
        shown = echo(session.get("/hoge", headers=headers))["headers"]
        assert (shown["x-a"], shown["x-b"]) == ("1  2", "ü")


def test_a_repeated_header_is_sent_and_signed_as_such(session: xacct_sign.Session) -> None:
    assert echo(session.get("/hoge", headers=[("x-a", "2"), ("X-A", "1")]))["headers"]["x-a"] == "2,1"


def test_old_signatures_are_replaced(session: xacct_sign.Session) -> None:
    old = {"Authorization": "Bearer x", "X-Amz-Date": "20150830T123600Z", "X-Amz-Security-Token": "old"}
    assert session.get("/hoge", headers=old).status_code == 200


def test_a_host_header_is_signed_and_sent(direct: xacct_sign.Session) -> None:
    with serve() as server:
        direct.get(server.url, headers={"Host": "api.example.com"})
        direct.get(server.url)
    named, plain = server.requests
    assert named.headers["host"] == "api.example.com"
    assert plain.headers["host"] == f"127.0.0.1:{server.port}"
    for request in (named, plain):
        assert "host" in signed_headers(request.headers["authorization"])


def test_the_users_own_user_agent(direct: xacct_sign.Session) -> None:
    with serve() as server:
        direct.get(server.url)
        direct.get(server.url, headers={"User-Agent": "me/1"})
    assert server.requests[0].headers["user-agent"].startswith("xacct-sign/")
    assert server.requests[1].headers["user-agent"] == "me/1"


def test_a_large_body_goes_and_comes(session: xacct_sign.Session) -> None:
    body = "x" * 5_000_000
    assert echo(session.post("/hoge", data=body))["body"] == body


@pytest.mark.parametrize(
    ("base", "url", "path"),
    [
        ("", "/hoge", "/hoge"),
        ("/", "/hoge", "/hoge"),
        ("/v1", "/hoge", "/v1/hoge"),
        ("/v1/", "hoge", "/v1/hoge"),
        ("/v1", "", "/v1"),
        ("/v1", "?a=b", "/v1"),
        ("/v 1", "/hoge", "/v%201/hoge"),
        ("/v1", "{url}/other", "/other"),
        ("/v1", "{url}?a=https://x/", "/"),
        ("/v1", "/redirect?to=https://x.example.com/", "/v1/redirect"),
    ],
)
def test_base_url(emulator: Emulator, base: str, url: str, path: str) -> None:
    session = xacct_sign.Session(emulator.assume_role(), base_url=emulator.url(base))
    assert echo(session.get(url.format(url=emulator.url())))["path"] == path


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.org/",
        "//api.example.org/",
        "http://localhost:1/",
        "https://127.0.0.1/",
        "HTTPS://evil@x.org",
    ],
)
def test_a_url_outside_the_base_is_refused(session: xacct_sign.Session, url: str) -> None:
    with pytest.raises(xacct_sign.ValidationError) as caught:
        session.get(url)
    assert caught.value.code == "origin_mismatch"


def test_user_info_does_not_make_another_host_the_base(emulator: Emulator, session: xacct_sign.Session) -> None:
    authority = emulator.url().partition("://")[2]
    with pytest.raises(xacct_sign.ValidationError) as caught:
        session.get(f"http://{authority}@api.example.org/")
    assert caught.value.code == "origin_mismatch"


def test_response(session: xacct_sign.Session) -> None:
    response = session.get("/hoge", params={"a": "1"})
    assert response.status_code == 200
    assert response.ok
    assert response.reason == "OK"
    assert response.encoding == "utf-8"
    assert response.headers["Content-Type"] == response.headers["content-type"] == "application/json"
    assert response.headers.get("CONTENT-TYPE") == "application/json"
    assert "Content-type" in response.headers
    assert "x-none" not in response.headers
    assert response.headers.get("x-none", "default") == "default"
    with pytest.raises(KeyError):
        response.headers["x-none"]
    assert response.text == response.content.decode()
    assert response.json() == json.loads(response.text)
    assert response.url.endswith("/hoge?a=1")
    assert repr(response) == "<Response [200]>"
    response.raise_for_status()


@pytest.mark.parametrize(
    ("content_type", "body", "encoding", "text"),
    [
        ("text/plain; charset=ISO-8859-1", b"\xfc", "ISO-8859-1", "ü"),
        ('text/plain; boundary=x; Charset="utf-16-le"', "ü".encode("utf-16-le"), "utf-16-le", "ü"),
        ("text/plain", "ü".encode(), "utf-8", "ü"),
        ("text/plain; charset=nonsense", "ü".encode(), "nonsense", "ü"),
        ("text/plain", b"\xff", "utf-8", "�"),
        ("", b"x", "utf-8", "x"),
    ],
)
def test_encoding(direct: xacct_sign.Session, content_type: str, body: bytes, encoding: str, text: str) -> None:
    with serve(lambda _: Answer(200, {"content-type": content_type}, body)) as server:
        response = direct.get(server.url)
    assert (response.encoding, response.text, response.content) == (encoding, text, body)


def test_an_answer_that_is_no_json(direct: xacct_sign.Session) -> None:
    with serve(lambda _: Answer(200, {}, b"<html>")) as server, pytest.raises(json.JSONDecodeError):
        direct.get(server.url).json()


@pytest.mark.parametrize("status", [200, 204, 304, 400, 401, 403, 404, 418, 429, 500, 503, 599])
def test_any_status_is_an_answer(direct: xacct_sign.Session, status: int) -> None:
    with serve(lambda _: Answer(status, {"x-a": "1"}, b"" if status in (204, 304) else b"body")) as server:
        response = direct.get(server.url + "/p?secret=1")
    assert response.status_code == status
    assert response.ok == (status < 400)
    assert bool(response) == (status < 400)
    assert response.headers["x-a"] == "1"
    if status < 400:
        response.raise_for_status()
        return
    assert response.text == "body"
    with pytest.raises(xacct_sign.HttpStatusError) as caught:
        response.raise_for_status()
    assert caught.value.code == "http_status"
    assert caught.value.response is response
    assert f"GET {server.url}/p was answered with {status}" in str(caught.value)
    assert "secret=1" not in str(caught.value)
    assert (caught.value.hint is not None) == (status == 403)


def test_a_route_that_is_not_the_callers_is_forbidden(partners: Emulator) -> None:
    role = partners.assume_role("partner", external_id=EXTERNAL_ID)
    session = xacct_sign.Session(role, base_url=partners.url())
    assert session.put("/hoge", json={}).status_code == 200
    assert session.get("/items/1").status_code == 200
    response = session.get("/hoge")
    assert (response.status_code, response.json()) == (403, {"message": "Forbidden"})


@pytest.fixture
def silent() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("timeout", [0.05, (5, 0.05), (None, 0.05)])
def test_a_server_that_never_answers(credentials: xacct_sign.Credentials, silent: str, timeout: Any) -> None:
    of_session = xacct_sign.Session(credentials=credentials, region=REGION, timeout=timeout)
    of_request = xacct_sign.Session(credentials=credentials, region=REGION)
    for call in (lambda: of_session.get(silent), lambda: of_request.get(silent, timeout=timeout)):
        with pytest.raises(xacct_sign.TransportTimeout) as caught:
            call()
        assert caught.value.code == "timeout"
        assert isinstance(caught.value, TimeoutError)


def test_an_answer_that_breaks_off(direct: xacct_sign.Session) -> None:
    short = Answer(200, {"content-length": "100"}, b"short")
    with serve(lambda _: short) as server, pytest.raises(xacct_sign.TransportError):
        direct.get(server.url, timeout=0.5)


def test_regression_a_timeout_of_ages_does_not_panic(direct: xacct_sign.Session) -> None:
    with serve() as server:
        for timeout in (1e9, 1e18, 1e19):
            try:
                assert direct.get(server.url, timeout=timeout).status_code == 200
            except xacct_sign.ValidationError as error:
                assert error.code == "invalid_option"  # noqa: PT017


@pytest.mark.parametrize(("name", "value"), [("content-length", "5"), ("Content-Length", "1")])
def test_regression_a_length_that_is_not_the_bodys_does_not_spin(name: str, value: str) -> None:
    """In a process of its own, which can be ended: the GIL is not held, so no signal is seen either."""
    code = f"""
import sys, xacct_sign
api = xacct_sign.Session(credentials=xacct_sign.Credentials("AKID", "secret"), region="us-east-1", timeout=2)
try:
    api.post(sys.argv[1], headers={{{name!r}: {value!r}}}, data=b"abc"[:{0 if value == "5" else 3}])
except xacct_sign.ValidationError as error:
    assert error.code == "invalid_header", error
"""
    with serve() as server:
        subprocess.run([sys.executable, "-c", code, server.url], check=True, timeout=10)
        for request in server.requests:
            assert request.headers["content-length"] == str(len(request.body))


def redirecting(status: int, location: str) -> Any:
    def answer(request: Request) -> Answer:
        if request.target.startswith("/start"):
            return Answer(status, {"location": location}, b"moved")
        return Answer(200, {}, b"arrived")

    return answer


def test_the_url_is_the_one_that_answered(direct: xacct_sign.Session) -> None:
    with serve(redirecting(302, "/there?b=2&a=1")) as server:
        response = direct.get(server.url + "/start")
    assert (response.url, response.text) == (f"{server.url}/there?a=1&b=2", "arrived")


@pytest.mark.parametrize("other", ["http://127.0.0.1:{port}/x", "http://localhost:{own}/x", "//127.0.0.1:{port}/x"])
def test_a_redirect_elsewhere_is_the_answer(direct: xacct_sign.Session, other: str) -> None:
    with serve() as elsewhere:
        with serve(lambda _: Answer(302, {"location": location}, b"moved")) as server:
            location = other.format(port=elsewhere.port, own=server.port)
            response = direct.get(server.url + "/start")
        assert (response.status_code, response.text) == (302, "moved")
        assert response.headers["location"] == location
        assert len(server.requests) == 1
        # Neither `Authorization` nor the token arrive there: nothing does.
        assert elsewhere.connections == 0


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "javascript:alert(1)//://", "http://%", "https://", "\x80"])
def test_a_redirect_to_nowhere_is_the_answer(direct: xacct_sign.Session, location: str) -> None:
    with serve(redirecting(302, location)) as server:
        assert direct.get(server.url + "/start").status_code == 302


@pytest.mark.parametrize("url", ["http://api.example.com/", "http://192.0.2.1/", "http://127.0.0.1.example.com/"])
def test_plain_http_is_for_loopback_only(direct: xacct_sign.Session, url: str) -> None:
    with pytest.raises(xacct_sign.ValidationError) as caught:
        direct.get(url)
    assert caught.value.code == "insecure_url"
    assert "https" in str(caught.value)


def test_credentials_of_the_environment_are_read_at_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    session = xacct_sign.Session(region=REGION, credentials=xacct_sign.Environment())
    with serve() as server:
        for key in ("AKIDONE", "AKIDTWO"):
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
            monkeypatch.setenv("AWS_SESSION_TOKEN", f"token-{key}")
            session.get(server.url)
        monkeypatch.setenv("AWS_SESSION_TOKEN", "")
        session.get(server.url)
    keys = [authorization(request)["Credential"].partition("/")[0] for request in server.requests]
    assert keys == ["AKIDONE", "AKIDTWO", "AKIDTWO"]
    tokens = [request.headers.get("x-amz-security-token") for request in server.requests]
    assert tokens == ["token-AKIDONE", "token-AKIDTWO", None]


def test_base_credentials_of_the_environment_are_read_at_each_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(lambda _: sts_answer(lifetime=BRIEF)) as sts, serve() as api:
        session = xacct_sign.Session(fake_role(sts, base=None), base_url=api.url)
        for key in ("AKIDONE", "AKIDTWO"):
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
            session.get("/")
            time.sleep(BRIEF)
    keys = [authorization(request)["Credential"].partition("/")[0] for request in sts.requests]
    assert keys == ["AKIDONE", "AKIDTWO"]


def test_an_arn_and_base_credentials_are_enough(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", emulator.sts_url)
    session = xacct_sign.Session(emulator.role_arn(), region=REGION, credentials=emulator.base())
    assert echo(session.put(emulator.url("/hoge"), json={"foo": "bar"}))["body"] == '{"foo":"bar"}'


def test_the_region_of_a_role_is_the_sessions(direct: xacct_sign.Session) -> None:
    with serve(lambda _: sts_answer()) as sts, serve() as api:
        xacct_sign.Session(fake_role(sts, region="eu-west-1")).get(api.url)
        xacct_sign.Session(fake_role(sts, region="eu-west-1"), region="eu-west-2", service="lambda").get(api.url)
    scopes = [authorization(request)["Credential"].split("/")[2:] for request in (*sts.requests, *api.requests)]
    assert scopes == [
        ["eu-west-1", "sts", "aws4_request"],
        ["eu-west-1", "sts", "aws4_request"],
        ["eu-west-1", "execute-api", "aws4_request"],
        ["eu-west-2", "lambda", "aws4_request"],
    ]


def test_the_endpoint_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(lambda _: sts_answer("ASIAARGUMENT")) as argument, serve(lambda _: sts_answer("ASIAENV")) as environment:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", environment.url)
        assert fake_role(argument).credentials().access_key_id == "ASIAARGUMENT"
        assert fake_role(argument, sts_endpoint=None).credentials().access_key_id == "ASIAENV"


@pytest.mark.parametrize(
    ("environment", "argument", "expected"),
    [
        ({}, None, "xacct-sign"),
        ({"AWS_LAMBDA_FUNCTION_NAME": "orders"}, None, "orders"),
        ({"AWS_LAMBDA_FUNCTION_NAME": "a b/ü"}, None, "a-b--"),
        ({"AWS_LAMBDA_FUNCTION_NAME": "x" * 70}, None, "x" * 64),
        ({"AWS_LAMBDA_FUNCTION_NAME": "orders", "AWS_ROLE_SESSION_NAME": "named"}, None, "named"),
        ({"AWS_LAMBDA_FUNCTION_NAME": "orders", "AWS_ROLE_SESSION_NAME": ""}, None, "orders"),
        ({"AWS_LAMBDA_FUNCTION_NAME": "orders", "AWS_ROLE_SESSION_NAME": "named"}, "argument", "argument"),
        ({"AWS_ROLE_SESSION_NAME": "not valid"}, "argument", "argument"),
    ],
)
def test_session_name(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], argument: str | None, expected: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with serve(lambda _: sts_answer(lifetime=BRIEF)) as sts:
        role = fake_role(sts, session_name=argument)
        monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "too-late")
        assert role.session_name == expected
        for _ in range(2):
            role.credentials()
            time.sleep(BRIEF)
    # It is fixed when the provider is made.
    assert [request.form["RoleSessionName"] for request in sts.requests] == [expected] * 2


def test_connections_are_kept(direct: xacct_sign.Session) -> None:
    with serve() as server:
        for _ in range(5):
            direct.get(server.url)
    assert (len(server.requests), server.connections) == (5, 1)


def test_no_proxy_for_loopback(direct: xacct_sign.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve() as proxy, serve() as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        direct.get(server.url)
    assert (len(server.requests), proxy.connections) == (1, 0)


def test_representations(direct: xacct_sign.Session) -> None:
    assert "secret" not in repr(direct)
    assert repr(xacct_sign.Response("GET", 503, "", [], b"")) == "<Response [503]>"
    assert xacct_sign.Response("GET", 299, "", [], b"").reason == ""
    assert ROLE_ARN in repr(xacct_sign.AssumeRole(ROLE_ARN, region=REGION))
