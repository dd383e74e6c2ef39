"""Signals while a call waits: the server holds the connection until the test lets go, so that only the order counts."""

from __future__ import annotations

import queue
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from helpers import REGION, ROLE_ARN, Answer, sts_answer


def whole(connection: socket.socket) -> bytes:
    """A request to its end; of TLS the first that comes."""
    request = b""
    while piece := connection.recv(1 << 16):
        request += piece
        head, end, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.I)
        if request.startswith(b"\x16") or (end and len(body) >= (int(length[1]) if length else 0)):
            break
    return request


class Held:
    """A connection with a request that is answered when the test says so."""

    def __init__(self, connection: socket.socket) -> None:
        self.request = whole(connection)
        self._connection = connection

    def close(self) -> None:
        self._connection.close()

    def answer(self, answer: Answer) -> None:
        head = f"HTTP/1.1 {answer.status} OK\r\ncontent-length: {len(answer.body)}\r\nconnection: close\r\n\r\n"
        self._connection.sendall(head.encode() + answer.body)

    def rest(self) -> bytes:
        """What comes besides, until the other end shuts the connection."""
        rest = b""
        with suppress(ConnectionResetError):
            while piece := self._connection.recv(1 << 16):
                rest += piece
        return rest


class Holding:
    """A server that answers nothing by itself."""

    def __init__(self) -> None:
        self.held: queue.Queue[Held] = queue.Queue()
        self._all: list[Held] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            held = Held(connection)
            self._all.append(held)
            self.held.put(held)

    def asked(self) -> Held:
        """The next request, once it is here."""
        return self.held.get()

    def is_left_alone(self) -> bool:
        """Nobody has asked for anything else."""
        return self.held.empty()

    def close(self) -> None:
        # Wakes whoever accepts.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for held in self._all:
            held.close()


@contextmanager
def holding() -> Iterator[Holding]:
    server = Holding()
    try:
        yield server
    finally:
        server.close()


PRELUDE = """
import asyncio, os, signal, sys, threading
import xacct_sign
from xacct_sign.requests import SigV4Auth

held, region = sys.argv[1], sys.argv[3]
keys = xacct_sign.Credentials("AKIDBASE", "secret")
role = xacct_sign.AssumeRole(sys.argv[2], region=region, base=keys, sts_endpoint=held)


def say(*words):
    # A handler may interrupt a print, which is not to be entered again.
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())


class Asked(Exception):
    pass


def asked(number, frame):
    say("asked")
    raise Asked(number)


def noted(number, frame):
    say("noted")
"""


class Child:
    """A program that calls, and says what happens."""

    def __init__(self, server: Holding, code: str, environment: dict[str, str] | None = None) -> None:
        program = PRELUDE + textwrap.dedent(code)
        command = [sys.executable, "-c", program, server.url, ROLE_ARN, REGION]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def go_on(self) -> None:
        """A line on its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def says(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def ends(self) -> int:
        return self._process.wait()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def child(server: Holding, code: str, environment: dict[str, str] | None = None) -> Iterator[Child]:
    started = Child(server, code, environment)
    try:
        yield started
    finally:
        started.kill()


CALLS = {
    "a request": "xacct_sign.Session(credentials=keys, region=region).get(held)",
    "a request with a body": "xacct_sign.Session(credentials=keys, region=region).post(held, data=b'x')",
    "a request without an end": "xacct_sign.Session(credentials=keys, region=region, timeout=None).get(held)",
    "a TLS handshake": "xacct_sign.Session(credentials=keys, region=region).get(held.replace('http:', 'https:'))",
    "STS of a session": "xacct_sign.Session(role).get('https://api.example.com/')",
    "STS of a role": "role.credentials()",
    "STS of a base": "xacct_sign.AssumeRole(sys.argv[2], region=region, base=role, sts_endpoint=held).credentials()",
    "STS of a signer": "xacct_sign.Signer(role).sign('GET', 'https://api.example.com/')",
    "STS of a presigned URL": "xacct_sign.Signer(role).presign('GET', 'https://api.example.com/')",
    "STS of a signer's credentials": "xacct_sign.Signer(role).credentials",
    "STS of an adapter": "SigV4Auth(role)._signing.ready('https://api.example.com/')",
    "the chain": "xacct_sign.DefaultCredentials().credentials()",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_ctrl_c_ends_a_call_that_waits(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code = f"""
    try:
        {call}
    except KeyboardInterrupt as interrupt:
        say("interrupted", interrupt.__cause__)
    sys.stdin.readline()
    """
    with holding() as server:
        # The chain's only source.
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.url + "/")
        with child(server, code) as program:
            held = server.asked()
            program.signal(signal.SIGINT)
            # All this while the server holds the connection.
            assert program.says() == "interrupted None"
            # The socket is shut while the program lives, nothing more was written, and nothing was asked again.
            assert held.rest() == b""
            program.go_on()
            assert program.ends() == 0
        assert server.is_left_alone()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGALRM, signal.SIGINT, signal.SIGUSR1])
@pytest.mark.parametrize("call", [CALLS["a request"], CALLS["STS of a session"]], ids=["a request", "STS"])
def test_what_a_handler_raises_comes_out_as_it_is(number: int, call: str) -> None:
    code = f"""
    signal.signal({int(number)}, asked)
    try:
        {call}
    except Asked as error:
        say("raised", *error.args)
    """
    with holding() as server, child(server, code) as program:
        held = server.asked()
        program.signal(number)
        assert program.says() == "asked"
        assert program.says() == f"raised {int(number)}"
        assert program.ends() == 0
        assert held.rest() == b""
        assert server.is_left_alone()


def test_a_signal_that_comes_before_anybody_looks_is_not_lost() -> None:
    """The first look asks whether this is the main thread, in Python, where the handler may run."""
    code = """
    signal.signal(signal.SIGALRM, asked)
    # Whom the others wait for.
    threading.Thread(target=role.credentials, daemon=True).start()
    sys.stdin.readline()
    for delay in (0.002, 0.005, 0.01, 0.02):
        signal.setitimer(signal.ITIMER_REAL, delay)
        try:
            xacct_sign.Session(role, timeout=5).get("https://api.example.com/")
        except Asked:
            say("raised")
    """
    with holding() as server, child(server, code) as program:
        server.asked()
        program.go_on()
        assert [program.says() for _ in range(8)] == ["asked", "raised"] * 4
        assert server.is_left_alone()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGALRM])
def test_a_handler_that_returns_runs_at_once_and_the_call_goes_on(number: int) -> None:
    code = f"""
    signal.signal({int(number)}, noted)
    say("answered", xacct_sign.Session(credentials=keys, region=region).get(held).status_code)
    """
    with holding() as server, child(server, code) as program:
        held = server.asked()
        for _ in range(3):
            program.signal(number)
            assert program.says() == "noted"
        held.answer(Answer(204))
        assert program.says() == "answered 204"
        assert program.ends() == 0
        assert server.is_left_alone()


def test_a_session_is_of_use_after_an_interruption() -> None:
    code = """
    session = xacct_sign.Session(role)
    try:
        session.get(held)
    except KeyboardInterrupt:
        say("interrupted")
    say("answered", session.get(held).status_code)
    """
    with holding() as server, child(server, code) as program:
        held = server.asked()
        program.signal(signal.SIGINT)
        assert program.says() == "interrupted"
        assert held.rest() == b""
        # STS is asked anew, and then the API.
        held = server.asked()
        assert held.request.startswith(b"POST / ")
        held.answer(sts_answer())
        held = server.asked()
        assert held.request.startswith(b"GET / ")
        held.answer(Answer(200))
        assert program.says() == "answered 200"


def test_a_waiter_for_another_threads_refresh_is_interrupted_alike() -> None:
    code = """
    def wait():
        role.credentials()

    def handler(number, frame):
        if frame.f_code is wait.__code__:
            raise KeyboardInterrupt
        # Too early.
        signal.setitimer(signal.ITIMER_REAL, 0.01)

    signal.signal(signal.SIGALRM, handler)
    fetching = threading.Thread(target=lambda: say("fetched", role.credentials().access_key_id))
    fetching.start()
    sys.stdin.readline()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        wait()
    except KeyboardInterrupt:
        say("interrupted")
    fetching.join()
    """
    with holding() as server, child(server, code) as program:
        held = server.asked()
        program.go_on()
        assert program.says() == "interrupted"
        # The other thread's fetch goes on, over the same connection.
        held.answer(sts_answer("ASIAGOOD"))
        assert program.says() == "fetched ASIAGOOD"
        assert program.ends() == 0
        assert server.is_left_alone()


def test_when_the_thread_that_fetches_is_interrupted_a_waiter_fetches() -> None:
    code = """
    def wait():
        sys.stdin.readline()
        say("waiting")
        say("fetched", role.credentials().access_key_id)

    waiting = threading.Thread(target=wait)
    waiting.start()
    try:
        role.credentials()
    except KeyboardInterrupt:
        say("interrupted")
    waiting.join()
    """
    with holding() as server, child(server, code) as program:
        held = server.asked()
        program.go_on()
        assert program.says() == "waiting"
        program.signal(signal.SIGINT)
        assert program.says() == "interrupted"
        assert held.rest() == b""
        held = server.asked()
        held.answer(sts_answer("ASIAGOOD"))
        assert program.says() == "fetched ASIAGOOD"


def test_other_threads_and_calls_go_on() -> None:
    code = """
    session = xacct_sign.Session(credentials=keys, region=region)
    other = threading.Thread(target=lambda: say("other", session.get(held).status_code))
    other.start()
    sys.stdin.readline()
    try:
        session.get(held)
    except KeyboardInterrupt:
        say("interrupted")
    other.join()
    """
    with holding() as server, child(server, code) as program:
        other = server.asked()
        program.go_on()
        held = server.asked()
        program.signal(signal.SIGINT)
        assert program.says() == "interrupted"
        assert held.rest() == b""
        other.answer(Answer(200))
        assert program.says() == "other 200"
        assert program.ends() == 0


def test_an_event_loop_goes_on() -> None:
    code = """
    async def main():
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, lambda: say("handled by the loop"))
        session = xacct_sign.Session(credentials=keys, region=region)
        call = asyncio.create_task(asyncio.to_thread(session.get, held))
        while not call.done():
            await asyncio.sleep(0.01)
        say("answered", (await call).status_code)

    asyncio.run(main())
    """
    with holding() as server, child(server, code) as program:
        held = server.asked()
        for _ in range(3):
            program.signal(signal.SIGTERM)
            assert program.says() == "handled by the loop"
        held.answer(Answer(200))
        assert program.says() == "answered 200"
        assert program.ends() == 0


def test_a_callable_that_is_interrupted_has_not_failed() -> None:
    """Its `KeyboardInterrupt` comes out, and the next call asks it again at once."""
    code = """
    import time
    asked = []

    def base():
        asked.append(1)
        if len(asked) == 1:
            # Whether the signal comes within this or the sleep, it comes within the callable.
            say("asked")
            time.sleep(60)
        return keys

    role = xacct_sign.AssumeRole(sys.argv[2], region=region, base=base, sts_endpoint=held)
    try:
        role.credentials()
    except KeyboardInterrupt:
        say("interrupted")
    say("fetched", role.credentials().access_key_id)
    """
    with holding() as server, child(server, code) as program:
        assert program.says() == "asked"
        program.signal(signal.SIGINT)
        assert program.says() == "interrupted"
        held = server.asked()
        held.answer(sts_answer("ASIAGOOD"))
        assert program.says() == "fetched ASIAGOOD"


def test_a_handler_that_uses_what_is_being_fetched_is_told_so() -> None:
    """It would wait for what it interrupts."""
    code = """
    def handler(number, frame):
        try:
            role.credentials()
        except xacct_sign.CredentialsError as error:
            say(error.code)

    signal.signal(signal.SIGTERM, handler)
    say("fetched", role.credentials().access_key_id)
    """
    with holding() as server, child(server, code) as program:
        held = server.asked()
        program.signal(signal.SIGTERM)
        assert program.says() == "credentials_not_found"
        held.answer(sts_answer("ASIAGOOD"))
        assert program.says() == "fetched ASIAGOOD"
        assert server.is_left_alone()
