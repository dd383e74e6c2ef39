"""The programs of docs/identity.md, as they stand but for development, in the servers that people run them in."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import serving
from emulator import REPOSITORY
from fastapi import Depends, FastAPI, WebSocket
from xacct_sign.server import Caller, Verifier
from xacct_sign.server.fastapi import CallerDependency

PAGE = (REPOSITORY / "docs" / "identity.md").read_text()
PROGRAMS = [code for code in re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S) if "import" in code]
DEPENDENCY, MIDDLEWARE, FLASK, FUNCTION = PROGRAMS[1:]
SHOP_ARN = "arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders"


@pytest.fixture
def here() -> Iterator[serving.Loopback]:
    with serving.loopback() as here:
        yield here


@contextlib.contextmanager
def running(folder: Path, here: serving.Loopback, program: str, *server: str) -> Iterator[httpx.Client]:
    """A program in a server of its own, on a socket in a folder."""
    callers = here.world()["world"]
    (folder / "callers.json").write_text(json.dumps(callers))
    (folder / "app.py").write_text(in_development(program))
    socket = folder / "socket"
    words = [sys.executable, "-m", *(word.replace("SOCKET", str(socket)) for word in server), "app:app"]
    with subprocess.Popen(words, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                said.append(line)
                if "running on" in line or "Booting worker" in line:
                    break
            else:
                pytest.fail("".join(said))
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://here") as client:
                yield client
        finally:
            process.terminate()


def in_development(program: str) -> str:
    """The program with issuers on this machine."""
    assert program.count('Verifier.from_file("callers.json")') == 1
    return program.replace('"callers.json")', '"callers.json", development=True)')


def bearer(here: serving.Loopback, **claims: Any) -> dict[str, str]:
    header, good = serving.good(here.issuer("shop"))
    token = serving.token_of(serving.compact(header), serving.compact(good | claims))
    return {"authorization": f"Bearer {token}"}


UVICORN = ("uvicorn", "--uds", "SOCKET")
GUNICORN = ("gunicorn", "--threads", "4", "--bind", "unix:SOCKET")


def test_the_page_has_the_programs_that_are_run_here() -> None:
    assert len(PROGRAMS) == 5


@pytest.mark.parametrize(
    ("program", "server"),
    [(DEPENDENCY, UVICORN), (MIDDLEWARE, UVICORN), (FLASK, GUNICORN)],
    ids=["FastAPI's dependency", "FastAPI's middleware", "Flask"],
)
def test_a_server_lets_in_callers_alone(
    program: str, server: tuple[str, ...], here: serving.Loopback, tmp_path: Path
) -> None:
    reader = bearer(here, sub="arn:aws:iam::000000000000:role/Reader")
    with running(tmp_path, here, program, *server) as client:
        hello = client.get("/items/1", headers=bearer(here))
        assert (hello.status_code, hello.json()) == (200, {"hello": "shop", "item": "1"})
        assert client.get("/items/1", headers=reader).json() == {"hello": "reader", "item": "1"}
        for status, path, headers in (
            (401, "/items/1", {}),
            (401, "/items/1", bearer(here, aud="https://other.example.com")),
            (403, "/items/..%252fadmin", reader),
        ):
            refused = client.get(path, headers=headers)
            assert refused.status_code == status, path
            assert refused.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
            assert "audience" not in refused.text
        if program is DEPENDENCY:
            assert client.get("/health").json() == "ok"
            here.published = b"@nothing"
        twice = [*reader.items()] * 2
        assert client.get("/items/1", headers=twice).status_code == 401
    assert here.fetched == ["/issuers/shop/.well-known/jwks.json"]


def application(verifier: Verifier) -> FastAPI:
    app = FastAPI()
    calling = Depends(CallerDependency(verifier))

    @app.websocket("/feed")
    async def feed(socket: WebSocket, caller: Caller = calling) -> None:
        await socket.accept()
        await socket.send_text(caller.name)
        await socket.close()

    @app.get("/items")
    async def items(caller: Caller = calling) -> str:
        return caller.name

    return app


def test_fastapis_dependency_closes_a_websocket_and_refuses_in_an_outage(here: serving.Loopback) -> None:
    app = application(Verifier(here.world()["world"], development=True))

    def connected(headers: dict[str, str]) -> list[Any]:
        told: list[Any] = []
        given = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "websocket", "path": "/feed", "headers": given, "query_string": b"", "subprotocols": []}

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            told.append(message["type"] if message["type"] == "websocket.accept" else message.get("text", message))

        asyncio.run(app(scope, receive, send))
        return told

    async def outage() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await client.get("/items", headers=bearer(here))

    good = connected(bearer(here))
    assert good[:2] == ["websocket.accept", "shop"]
    here.published = b"@nothing"
    app = application(Verifier(here.world()["world"], development=True))
    answer = asyncio.run(outage())
    assert (answer.status_code, answer.json()) == (503, {"detail": "Service Unavailable"})
    assert connected({}) == [{"type": "websocket.close", "code": 1008, "reason": ""}]


def test_a_function_behind_a_function_url(tmp_path: Path) -> None:
    callers = {
        "version": 1,
        "stage": "prod",
        "target": "function_url",
        "partition": "aws",
        "access": "direct",
        "callers": [
            {"name": "shop", "account": "000000000000", "role": "LambdaRoleProd", "routes": ["GET /items/{id}"]}
        ],
    }
    (tmp_path / "callers.json").write_text(json.dumps(callers))
    (tmp_path / "function.py").write_text(FUNCTION)
    spec = importlib.util.spec_from_file_location("function", tmp_path / "function.py")
    assert spec is not None
    assert spec.loader is not None
    function = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(function)

    def told(path: str, **identity: Any) -> Any:
        context = {"http": {"method": "GET", "path": path}} | identity
        return function.handler({"version": "2.0", "rawPath": path, "headers": {}, "requestContext": context}, None)

    authorizer = {"iam": {"accountId": "000000000000", "userArn": SHOP_ARN}}
    assert told("/items/1", authorizer=authorizer) == {
        "statusCode": 200,
        "body": '{"hello": "shop", "path": "/items/1"}',
    }
    assert told("/items/1")["statusCode"] == 401
    assert told("/admin", authorizer=authorizer)["statusCode"] == 403
