"""The table of paths, tests/paths.toml: as servers hand them over to the faces of Python, and by servers themselves."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import pytest
import serving
import tomllib
from emulator import REPOSITORY
from xacct_sign.server import Verifier
from xacct_sign.server._verifier import paths
from xacct_sign.server.asgi import CallerMiddleware as Asgi
from xacct_sign.server.wsgi import CallerMiddleware as Wsgi

ROWS = tomllib.loads((REPOSITORY / "tests" / "paths.toml").read_text())["request"]


@pytest.fixture(scope="module")
def here() -> Iterator[serving.Loopback]:
    with serving.loopback() as here:
        yield here


@pytest.fixture(scope="module")
def reader(here: serving.Loopback) -> str:
    header, claims = serving.good(here.issuer("shop"))
    claims["sub"] = "arn:aws:iam::000000000000:role/Reader"
    return "Bearer " + serving.token_of(serving.compact(header), serving.compact(claims), "ES384", "shop_ec")


def by_wsgi(verifier: Verifier, row: dict[str, Any], authorization: str) -> bool:
    status: list[str] = []
    mounted_at = row.get("mounted_at", "")
    app = Wsgi(lambda *_: [b"in"], verifier, mounted_at=mounted_at)
    environ = {
        "REQUEST_METHOD": row.get("method", "GET"),
        "SCRIPT_NAME": mounted_at,
        "PATH_INFO": unquote(row["paths"][-1].removeprefix(mounted_at), "latin-1"),
        "RAW_URI": row["sent"],
        "HTTP_AUTHORIZATION": authorization,
    }
    return list(app(environ, lambda said, _: status.append(said))) == [b"in"]


def by_asgi(verifier: Verifier, row: dict[str, Any], authorization: str) -> bool:
    seen = []

    async def inner(scope: Any, *_: Any) -> None:
        seen.append(scope["path"])

    async def send(_: Any) -> None:
        pass

    scope = {
        "type": "http",
        "method": row.get("method", "GET"),
        "path": unquote(row["paths"][-1], errors="surrogateescape"),
        "raw_path": row["sent"].partition("?")[0].encode(),
        "root_path": row.get("mounted_at", ""),
        "headers": [(b"authorization", authorization.encode())],
    }
    asyncio.run(Asgi(inner, verifier)(scope, send, send))
    return len(seen) == 1


@pytest.mark.parametrize("face", [by_wsgi, by_asgi])
def test_every_face_says_of_a_path_what_the_table_does(
    here: serving.Loopback, reader: str, face: Callable[[Verifier, dict[str, Any], str], bool]
) -> None:
    verifier = Verifier(here.world()["world"], development=True)
    for row in ROWS:
        assert face(verifier, row, reader) == ("code" not in row), row


def test_a_decoded_path_is_asked_for_as_the_table_says() -> None:
    for row in ROWS:
        seen = unquote_to_bytes(row["paths"][-1]).decode("latin-1")
        assert paths(row["sent"], seen, "latin-1") == row.get("decoded", row["paths"]), row


PROGRAMS = {
    "gunicorn": "def inner(environ, start):\n    start('200 OK', [])\n    return [b'in']\n",
    "uvicorn": (
        "async def inner(scope, receive, send):\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b'in'})\n"
    ),
}
OPTIONS = {"gunicorn": ["--bind", "unix:socket"], "uvicorn": ["--uds", "socket", "--lifespan", "off"]}


@pytest.mark.parametrize("server", ["gunicorn", "uvicorn"])
def test_every_server_hands_over_what_the_table_lets_in(
    here: serving.Loopback, reader: str, tmp_path: Path, server: str
) -> None:
    (tmp_path / "callers.json").write_text(json.dumps(here.world()["world"]))
    interface = "wsgi" if server == "gunicorn" else "asgi"
    (tmp_path / "served.py").write_text(
        "from xacct_sign.server import Verifier\n"
        f"from xacct_sign.server.{interface} import CallerMiddleware\n{PROGRAMS[server]}"
        "app = CallerMiddleware(inner, Verifier.from_file('callers.json', development=True))\n"
    )
    command = [sys.executable, "-m", server, *OPTIONS[server], "served:app"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stderr is not None
            assert any("Booting worker" in line or "running on" in line for line in running.stderr)
            for row in (row for row in ROWS if "left" not in row):
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(str(tmp_path / "socket"))
                    line = f"{row.get('method', 'GET')} {row['sent']} HTTP/1.1"
                    lines = [line, "host: api.example.com", "connection: close", f"authorization: {reader}", "", ""]
                    connection.sendall("\r\n".join(lines).encode())
                    with connection.makefile("rb") as answer:
                        said = answer.read()
                # h11 leaves a URL as it is: an application on uvicorn has no such route.
                is_url = server == "uvicorn" and row["sent"].lower().startswith("http")
                is_in = "code" not in row and not is_url
                assert (b" 200 " in said.split(b"\r\n")[0]) == is_in, (row, said)
        finally:
            running.terminate()
