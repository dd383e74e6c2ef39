"""The programs of docs/identity.md, as they stand but for development, in the servers that people run them in."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import serving
from emulator import REPOSITORY, cli
from fastapi import Depends, FastAPI, WebSocket
from xacct_sign.server import Caller, Verifier
from xacct_sign.server.fastapi import CallerDependency

PAGE = (REPOSITORY / "docs" / "identity.md").read_text()
PROGRAMS = [code for code in re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S) if "import" in code]
DEPENDENCY, MIDDLEWARE, FLASK, FUNCTION, TEST_FASTAPI, TEST_FLASK, TEST_CALLER = PROGRAMS[1:]
SHOP_ARN = "arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders"


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
    return {"authorization": serving.bearer(here, **claims)}


UVICORN = ("uvicorn", "--uds", "SOCKET")
GUNICORN = ("gunicorn", "--threads", "4", "--bind", "unix:SOCKET")


def test_the_page_has_the_programs_that_are_run_here() -> None:
    assert len(PROGRAMS) == 8


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


HEALTH = """

@app.get("/health")
def health() -> str:
    return "ok"
"""


@pytest.mark.parametrize(
    ("program", "wraps", "server"),
    [(MIDDLEWARE, "add_middleware(Callers", UVICORN), (FLASK, "unchecked = app.wsgi_app", GUNICORN)],
    ids=["ASGI", "WSGI"],
)
def test_one_path_goes_past_the_middleware(
    program: str, wraps: str, server: tuple[str, ...], here: serving.Loopback, tmp_path: Path
) -> None:
    (past,) = (code for code in re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S) if wraps in code)
    program = re.sub(r"^app\.(add_middleware|wsgi_app).*\n", "", program, flags=re.M) + HEALTH + past
    with running(tmp_path, here, program, *server) as client:
        health = client.get("/health")
        assert (health.status_code, health.text.strip('"')) == (200, "ok")
        for path in ("/items/1", "/health/", "//health", "/health%2f", "/health/../items/1"):
            assert client.get(path).status_code == 401, path
        assert client.get("/items/1", headers=bearer(here)).json() == {"hello": "shop", "item": "1"}


@pytest.mark.parametrize(
    ("program", "test"),
    [(DEPENDENCY, TEST_FASTAPI), (FLASK, TEST_FLASK), (DEPENDENCY, TEST_CALLER)],
    ids=["FastAPI", "Flask", "with the check"],
)
def test_the_tests_of_the_page_pass(program: str, test: str, tmp_path: Path) -> None:
    (manifest,) = re.findall(r"^```toml\n(# xacct.toml\n.*?)^```$", PAGE, re.M | re.S)
    (tmp_path / "xacct.toml").write_text(manifest)
    render = [cli(), "render", "callers", "--stage", "prod"]
    (tmp_path / "callers.json").write_bytes(subprocess.check_output(render, cwd=tmp_path))
    (tmp_path / "app.py").write_text(program)
    (tmp_path / "test_app.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_app.py"]
    done = subprocess.run(command, cwd=tmp_path, env=on_the_path(tmp_path), capture_output=True, text=True)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr


def on_the_path(folder: Path) -> dict[str, str]:
    """An environment in which the command of this build and the tools of these tests are found."""
    (folder / "bin").mkdir()
    (folder / "bin" / "xacct-sign").symlink_to(cli())
    path = os.pathsep.join([str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path}


DEVELOPMENT = PAGE[PAGE.index("\n## Development\n") : PAGE.index("\n## What to log\n")]


def test_the_wait_for_an_emulator_that_does_not_start_ends(tmp_path: Path) -> None:
    """It went on for ever, without a manifest, say."""
    emulator = re.findall(r"^```sh\n(.*?)^```$", DEVELOPMENT, re.M | re.S)[0]
    with subprocess.Popen(
        ["sh", "-c", emulator], cwd=tmp_path, env=on_the_path(tmp_path), stderr=subprocess.PIPE, text=True
    ) as shell:
        try:
            said = shell.communicate(timeout=60)[1]
        finally:
            shell.kill()
    assert said.startswith("error[file_unreadable]: cannot read the manifest `xacct.toml`: ")
    assert "No such process" not in said


def test_development_goes_as_the_page_has_it(tmp_path: Path) -> None:
    emulator, server, caller = re.findall(r"^```sh\n(.*?)^```$", DEVELOPMENT, re.M | re.S)
    (manifest,) = re.findall(r"^```toml\n(# xacct.toml\n.*?)^```$", PAGE, re.M | re.S)
    (tmp_path / "xacct.toml").write_text(manifest)
    (tmp_path / "app.py").write_text(in_development(DEPENDENCY))
    environment = on_the_path(tmp_path)
    # Both take any free port, and say which.
    ports = {"--port 9100": "--port 0", "--port 8000": "--port 0"}

    def shell(script: str) -> subprocess.Popen[str]:
        for written, real in ports.items():
            script = script.replace(written, real)
        return subprocess.Popen(
            ["sh", "-c", script],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    # The shell that has the emulator in the background is ended with it.
    with shell(f"trap 'kill $!; wait' TERM\n{emulator}echo ready\nwait") as first:
        try:
            assert first.stdout is not None
            assert first.stdout.readline() == "ready\n"
            ports["http://127.0.0.1:9100"] = json.loads((tmp_path / "emulator.json").read_text())["sts_url"]
            with shell(f"exec env {server}") as second:
                try:
                    assert second.stderr is not None
                    (ports["http://127.0.0.1:8000"],) = next(
                        found for line in second.stderr if (found := re.findall(r"running on (http://[0-9.:]+)", line))
                    )
                    for more in ("", " --proof"):
                        with shell(caller.replace(" call ", f" call{more} ")) as third:
                            said, wrong = third.communicate()
                        assert (third.returncode, json.loads(said)) == (0, {"hello": "shop", "item": "1"}), wrong
                finally:
                    second.terminate()
        finally:
            first.terminate()
    assert not (tmp_path / "emulator.env").exists()


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
    (manifest,) = re.findall(r"^```toml\n(# xacct.toml\n.*?)^```$", PAGE, re.M | re.S)
    (stage,) = re.findall(r"^```toml\n(\[stages.prod\]\ntarget = \"function_url\"\n.*?)^```$", PAGE, re.M | re.S)
    (tmp_path / "xacct.toml").write_text(manifest.replace('[stages.prod]\ntarget = "server"\n', stage))
    rendered = subprocess.check_output([cli(), "render", "callers", "--stage", "prod"], cwd=tmp_path)
    assert {"access", "audience", "algorithm", "regions"} & json.loads(rendered).keys() == {"access"}
    (tmp_path / "callers.json").write_bytes(rendered)
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
