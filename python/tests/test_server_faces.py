"""The faces of `xacct_sign.server`: its middleware, its dependency and its handler, in servers of others."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import json
import logging
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import fastapi
import flask
import httpx
import pytest
import serving
import werkzeug
from xacct_sign import ValidationError
from xacct_sign.server import Caller, RefusedError, Verifier
from xacct_sign.server.asgi import CallerMiddleware as Asgi
from xacct_sign.server.fastapi import CallerDependency
from xacct_sign.server.wsgi import CallerMiddleware as Wsgi

READER = {"sub": "arn:aws:iam::000000000000:role/Reader"}


async def application(scope: Any, receive: Any, send: Any) -> None:
    caller: Caller = scope["state"]["caller"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": caller.name.encode()})


def ask(app: Any, *requests: tuple[str, str, dict[str, str] | list[tuple[str, str]]]) -> list[httpx.Response]:
    """Several requests at once."""

    async def all_() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await asyncio.gather(*(client.request(method, path, headers=h) for method, path, h in requests))

    return asyncio.run(all_())


def test_asgi(here: serving.Loopback, verifier: Verifier, caplog: pytest.LogCaptureFixture) -> None:
    app = Asgi(application, verifier)
    good, reader = {"authorization": serving.bearer(here)}, {"authorization": serving.bearer(here, **READER)}
    with caplog.at_level(logging.WARNING, "xacct_sign.server"):
        answers = ask(
            app,
            ("GET", "/items", good),
            ("GET", "/items/1", reader),
            ("GET", "/items/1%2Fsecret", reader),
            ("GET", "/items/..%252fadmin", reader),
            ("DELETE", "/items/1", reader),
            ("GET", "/items", {}),
            ("GET", "/items", [("authorization", good["authorization"])] * 2),
        )
    told = [(answer.status_code, answer.text, answer.headers.get("www-authenticate")) for answer in answers]
    assert told == [
        (200, "shop", None),
        (200, "reader", None),
        *[(403, "", None)] * 3,
        *[(401, "", "Bearer")] * 2,
    ]
    said = " ".join(record.getMessage() for record in caplog.records)
    assert "authorization_missing" in said
    assert "route_refused" in said
    assert good["authorization"].rsplit(".", 1)[1] not in said
    # However many waited for the keys, they were fetched once.
    assert len(here.fetched) == 1


def test_asgi_a_path_that_was_changed_is_checked_as_it_is_seen(here: serving.Loopback, verifier: Verifier) -> None:
    inner = Asgi(application, verifier)

    async def rewrites(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope | {"path": "/admin"}, receive, send)

    reader = {"authorization": serving.bearer(here, **READER)}
    (answer,) = ask(rewrites, ("GET", "/items/1", reader))
    assert answer.status_code == 403


OVERRIDES = [
    ("X-HTTP-Method-Override", "DELETE", 403),
    ("x-http-method", "put", 403),
    ("X-Method-Override", "\u00e9", 403),
    ("X-Method-Override", "get", 200),
]


def test_asgi_a_header_that_wants_another_method_is_checked_as_the_method(
    here: serving.Loopback, verifier: Verifier, caplog: pytest.LogCaptureFixture
) -> None:
    reader = serving.bearer(here, **READER)
    of_request = fastapi.Depends(CallerDependency(verifier))
    app = fastapi.FastAPI()

    @app.get("/items/{item}")
    async def item(item: int, caller: Caller = of_request) -> str:
        return caller.name

    for name, value, status in OVERRIDES:
        headers = {"authorization": reader, name: value.encode("latin-1")}
        for face in (Asgi(application, verifier), app):
            (answer,) = ask(face, ("GET", "/items/1", headers))  # type: ignore[arg-type]
            assert answer.status_code == status, (name, value)
    assert "method_override_refused" in caplog.text


def test_wsgi_a_header_that_wants_another_method_is_checked_as_the_method(
    here: serving.Loopback, verifier: Verifier
) -> None:
    app = flask.Flask("api")
    app.add_url_rule("/items/<item>", view_func=lambda item: item)
    app.wsgi_app = Wsgi(app.wsgi_app, verifier)  # type: ignore[method-assign]
    reader = serving.bearer(here, **READER)
    for name, value, status in OVERRIDES:
        answer = app.test_client().get("/items/1", headers={"authorization": reader, name: value})
        assert answer.status_code == status, (name, value)


def test_asgi_lifespan_passes_and_a_websocket_is_closed(verifier: Verifier) -> None:
    seen, sent = [], []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {}

    app = Asgi(inner, verifier)
    asyncio.run(app({"type": "lifespan"}, receive, send))
    asyncio.run(app({"type": "websocket", "path": "/", "headers": []}, receive, send))
    assert seen == ["lifespan"]
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_asgi_the_loop_goes_on_while_keys_are_fetched(here: serving.Loopback, verifier: Verifier) -> None:
    released = threading.Event()
    keys = here.keys

    def slow(path: str) -> bytes:
        released.wait(30)
        return keys(path)

    here.keys = slow  # type: ignore[method-assign]
    app = Asgi(application, verifier)

    async def both() -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            waiting = asyncio.create_task(client.get("/items", headers={"authorization": serving.bearer(here)}))
            refused = await client.get("/items")
            assert not waiting.done()
            released.set()
            return refused.status_code, (await waiting).status_code

    assert asyncio.run(both()) == (401, 200)


def scope_of(authorization: str, path: str = "/items") -> dict[str, Any]:
    headers = [(b"authorization", authorization.encode())]
    return {"type": "http", "method": "GET", "path": path, "raw_path": None, "headers": headers}


async def no_more() -> Any:
    return {"type": "http.disconnect"}


def test_asgi_garbage_is_refused_at_once_and_holds_up_no_token(here: serving.Loopback) -> None:
    released = threading.Event()

    class Slow(Verifier):
        """A verifier whose proofs wait for STS."""

        def check_at_hand(self, *_: Any) -> None:
            return None

        def check(self, authorization: Any, method: str, path: Any) -> Caller:
            if b"xacct1." in authorization[0]:
                released.wait(30)
            return super().check(authorization, method, path)

        def line(self, values: Any) -> str:
            return "proof" if b"xacct1." in values[0] else "token"

    app = Asgi(application, Slow(here.world()["world"], development=True))

    async def told(authorization: str) -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await app(scope_of(authorization), no_more, send)
        return int(sent[0]["status"])

    async def all_() -> tuple[list[int], list[int], int]:
        held = [asyncio.create_task(told(f"Bearer xacct1.{number}")) for number in range(256)]
        # Each of them has taken its place before another is asked.
        await asyncio.sleep(0)
        busy = [await told("Bearer xacct1.more") for _ in range(3)]
        token = await told(serving.bearer(here))
        assert not any(task.done() for task in held)
        # Who goes away while he waits leaves his place: half of them have no thread yet.
        for task in held[128:]:
            task.cancel()
        await asyncio.gather(*held[128:], return_exceptions=True)
        again = asyncio.create_task(told("Bearer xacct1.again"))
        await asyncio.sleep(0)
        assert not again.done()
        released.set()
        return busy, [await again, *await asyncio.gather(*held[:128])], token

    busy, garbage, token = asyncio.run(all_())
    assert busy == [503] * 3
    assert garbage == [401] * 129
    assert token == 200


def test_asgi_what_is_no_connection_that_it_knows_reaches_nobody(verifier: Verifier) -> None:
    seen = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    async def send(message: Any) -> None:
        seen.append(message)

    with pytest.raises(RefusedError) as refused:
        asyncio.run(Asgi(inner, verifier)({"type": "webtransport", "path": "/", "headers": []}, no_more, send))
    assert (refused.value.code, refused.value.status, seen) == ("scope_unknown", 403, [])
    assert str(refused.value) == "connections of this type are not checked: 'webtransport'"


def test_asgi_half_a_character_is_refused(here: serving.Loopback, verifier: Verifier) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = scope_of(serving.bearer(here, **READER), "/items/\ud800")
    asyncio.run(Asgi(application, verifier)(scope, no_more, send))
    assert sent[0]["status"] == 403


def test_a_log_line_is_one_line_and_not_long(verifier: Verifier, caplog: pytest.LogCaptureFixture) -> None:
    environ = {"REQUEST_METHOD": "GET\nFORGED", "SCRIPT_NAME": "", "PATH_INFO": "/\n\u2028" + "x" * 100_000}
    with caplog.at_level(logging.WARNING, "xacct_sign.server"):
        list(Wsgi(lambda *_: [b"in"], verifier)(environ, lambda *_: None))
    (said,) = (record.getMessage() for record in caplog.records)
    assert len(said) < 1000
    assert said.isprintable()
    assert said.isascii()


def test_wsgi_where_it_is_mounted_is_not_the_clients_to_say(
    here: serving.Loopback, verifier: Verifier, caplog: pytest.LogCaptureFixture
) -> None:
    def told(mounted_at: str, script_name: str, path: str) -> bytes:
        status: list[str] = []
        app = Wsgi(lambda environ, _: [environ["PATH_INFO"].encode()], verifier, mounted_at=mounted_at)
        environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": script_name, "PATH_INFO": path}
        environ["HTTP_AUTHORIZATION"] = serving.bearer(here, **READER)
        return b"".join(app(environ, lambda said, _: status.append(said))) or status[0].encode()

    assert told("", "", "/items/1") == b"/items/1"
    # The application would see `/admin`, and the check the path of an item.
    assert told("", "/items", "/admin") == b"403 Forbidden"
    assert told("/items", "/items", "/1") == b"/1"
    assert told("/items", "", "/items/1") == b"403 Forbidden"
    assert told("/items", "/items/", "1") == b"403 Forbidden"
    assert "that is mounted elsewhere: '/items/' in place of '/items'" in caplog.text


def test_wsgi_a_mount_that_is_not_ascii_is_the_one_that_wsgi_names(here: serving.Loopback, verifier: Verifier) -> None:
    app = Wsgi(lambda environ, _: [environ["PATH_INFO"].encode()], verifier, mounted_at="/über")
    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/über".encode().decode("latin-1"), "PATH_INFO": "/1"}
    environ["HTTP_AUTHORIZATION"] = serving.bearer(here)
    assert list(app(environ, lambda *_: None)) == [b"/1"]


def test_wsgi_a_target_in_absolute_form_is_read_as_it_was_sent(here: serving.Loopback, verifier: Verifier) -> None:
    def told(raw: str, path: str) -> str:
        status: list[str] = []
        app = Wsgi(lambda *_: [b"in"], verifier)
        environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "RAW_URI": raw}
        environ["HTTP_AUTHORIZATION"] = serving.bearer(here, **READER)
        return "in" if list(app(environ, lambda said, _: status.append(said))) == [b"in"] else status[0]

    for good in ("/items/1", "http://x/items/1", "HTTPS://x:443/items/1?a#b", "/items/1?http://x/admin", ""):
        assert told(good, "/items/1") == "in", good
    # What servers take for a fragment, and leave out, an application may take for the path.
    for bad in ("#/../../admin", "%23/../../admin", "/..%2f..%2fadmin"):
        for front in ("", "http://x", "HTTP://user@x:80"):
            assert told(f"{front}/items/1{bad}", "/items/1") == "403 Forbidden", (front, bad)
    for bad in ("http://x", "http://x?/items/1", "*", "x:443", "items/1", "http:/items/1"):
        assert told(bad, "/items/1") == "403 Forbidden", bad


def test_wsgi_behind_gunicorn_a_header_moves_no_path(here: serving.Loopback, tmp_path: Path) -> None:
    (tmp_path / "callers.json").write_text(json.dumps(here.world()["world"]))
    (tmp_path / "served.py").write_text(
        "from xacct_sign.server import Verifier\n"
        "from xacct_sign.server.wsgi import CallerMiddleware\n"
        "def inner(environ, start):\n"
        "    start('200 OK', [])\n"
        "    return [environ['PATH_INFO'].encode()]\n"
        "app = CallerMiddleware(inner, Verifier.from_file('callers.json', development=True))\n"
    )
    socket = tmp_path / "socket"
    command = [sys.executable, "-m", "gunicorn", "--bind", f"unix:{socket}", "--forwarded-allow-ips", "*", "served:app"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            assert any("Booting worker" in line for line in server.stderr)
            headers = {"authorization": serving.bearer(here, **READER)}
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://here") as client:
                good = client.get("/items/1", headers=headers)
                moved = client.get("/items/admin", headers=headers | {"SCRIPT_NAME": "/items"})
                target = {"target": b"http://here/items/1#/../../admin"}
                behind = client.get("/items/1", headers=headers, extensions=target)
        finally:
            server.terminate()
    assert (good.status_code, good.text) == (200, "/items/1")
    assert (moved.status_code, moved.text) == (403, "")
    assert (behind.status_code, behind.text) == (403, "")


def test_wsgi_with_flask(here: serving.Loopback, verifier: Verifier) -> None:
    app = flask.Flask("api")

    @app.get("/items/<path:item>")
    def item(item: str) -> dict[str, str]:
        return {"caller": flask.request.environ["xacct_sign.caller"].name, "item": item}

    app.wsgi_app = Wsgi(app.wsgi_app, verifier)  # type: ignore[method-assign]
    client = app.test_client()
    reader = {"authorization": serving.bearer(here, **READER)}
    assert client.get("/items/1", headers=reader).json == {"caller": "reader", "item": "1"}
    assert client.get("/items/1/secret", headers=reader).status_code == 403
    assert client.get("/items/1%2Fsecret", headers=reader).status_code == 403
    refused = client.get("/items/1")
    assert (refused.status_code, refused.data, refused.headers["www-authenticate"]) == (401, b"", "Bearer")


def test_a_lambda_function_is_called_for_callers_alone(here: serving.Loopback, verifier: Verifier) -> None:
    handler = verifier.handler(lambda event, context, caller: {"statusCode": 200, "body": caller.name})

    def event(headers: dict[str, str]) -> dict[str, Any]:
        http = {"method": "GET", "path": "/x"}
        return {
            "version": "2.0",
            "rawPath": "/x",
            "headers": headers,
            "requestContext": {"http": http},
            "body": object(),
        }

    assert handler(event({"authorization": serving.bearer(here)}), None) == {"statusCode": 200, "body": "shop"}
    refused = handler(event({}), None)
    assert refused["statusCode"] == 401
    assert refused["body"] == ""


@pytest.mark.parametrize("wrong", ["callers.json", None, 7])
def test_what_is_no_verifier_is_told_where_it_is_given(wrong: Any) -> None:
    async def app(*_: Any) -> None: ...

    faces = (CallerDependency, lambda it: Asgi(app, it), lambda it: Wsgi(lambda *_: [], it))
    for face in faces:
        with pytest.raises(ValidationError, match="no Verifier") as told:
            face(wrong)
        assert (told.value.code, told.value.hint) == (
            "invalid_option",
            'make one: Verifier.from_file("callers.json")',
        )


@pytest.mark.parametrize("wrong", ["app", None, 7])
def test_what_cannot_be_called_is_told_where_it_is_given(verifier: Verifier, wrong: Any) -> None:
    for face in (verifier.handler, lambda it: Asgi(it, verifier), lambda it: Wsgi(it, verifier)):
        with pytest.raises(ValidationError, match="nothing that can be called") as told:
            face(wrong)
        assert (told.value.code, told.value.hint) == ("invalid_option", "give what is called for callers alone")


def test_an_application_of_the_other_kind_is_told_where_it_is_given(verifier: Verifier) -> None:
    """Else each request would end in a 500."""
    for face, app, own, other, article in (
        (Asgi, flask.Flask("api"), "ASGI", "WSGI", "a"),
        (Wsgi, fastapi.FastAPI(), "WSGI", "ASGI", "an"),
    ):
        with pytest.raises(ValidationError) as told:
            face(app, verifier)  # type: ignore[operator]
        assert str(told.value) == (
            f"`app` is {article} {other} application, and this is middleware for {own}"
            f" (for {other} there is xacct_sign.server.{other.lower()}.CallerMiddleware)"
        )
        assert told.value.code == "invalid_option"


def test_what_does_not_say_what_it_takes_may_be_an_application(verifier: Verifier) -> None:
    def of_a_decorator(request: Any) -> Any:
        return request

    unbound: werkzeug.local.LocalProxy[Any] = werkzeug.local.LocalProxy(contextvars.ContextVar("app"))
    for app in (type, unbound, werkzeug.Request.application(of_a_decorator)):
        assert isinstance(Wsgi(app, verifier), Wsgi)  # type: ignore[arg-type]
    assert isinstance(Asgi(functools.partial(application), verifier), Asgi)


@pytest.mark.parametrize("wrong", ["api", "/api/", "/", "//", None, 5, b"/api"])
def test_wsgi_what_is_no_path_of_a_mount_is_told_where_it_is_given(verifier: Verifier, wrong: Any) -> None:
    with pytest.raises(ValidationError, match="no path of a mount") as told:
        Wsgi(lambda *_: [], verifier, mounted_at=wrong)
    assert (told.value.code, told.value.hint) == ("invalid_option", 'such as "/api", without a slash at its end')


def test_a_lambda_functions_refusal_is_logged_with_method_and_path(
    verifier: Verifier, caplog: pytest.LogCaptureFixture
) -> None:
    handler = verifier.handler(lambda *_: None)
    events: list[tuple[Any, str]] = [
        ({"version": "2.0", "rawPath": "/x", "requestContext": {"http": {"method": "GET"}}}, " 'GET' '/x': "),
        ({"httpMethod": "PUT", "path": "/y\n", "requestContext": {}}, " 'PUT' '/y\\n': "),
        ({"requestContext": {"http": 5}, "httpMethod": 5}, "event_malformed: "),
        ({"requestContext": 5}, " 401 event_malformed: "),
        (None, "event_malformed: "),
    ]
    for event, logged in events:
        caplog.clear()
        assert handler(event, None)["statusCode"] == 401
        assert logged in caplog.text


@pytest.mark.parametrize("target", ["function_url", "http_api", "rest_api"])
def test_what_takes_no_header_is_no_verifier_of_a_middleware(here: serving.Loopback, target: str) -> None:
    fronts = here.world()["fronts"].values()
    verifier = Verifier(next(front for front in fronts if front["target"] == target))
    faces = (CallerDependency, lambda it: Asgi(application, it), lambda it: Wsgi(lambda *_: [], it))
    for face in faces:
        with pytest.raises(ValidationError, match="are taken on a stage of the target `server` alone") as told:
            face(verifier)
        assert told.value.code == "invalid_option"
        assert "the front says who is calling" in (told.value.hint or "")


def test_a_refusals_record_has_code_and_status(verifier: Verifier, caplog: pytest.LogCaptureFixture) -> None:
    verifier.handler(lambda *_: None)({}, None)
    list(Wsgi(lambda *_: [], verifier)({"REQUEST_METHOD": "GET"}, lambda *_: None))
    told = [(vars(record)["code"], vars(record)["status"]) for record in caplog.records if record.args]
    assert told[-2:] == [("event_malformed", 401), ("authorization_missing", 401)]
