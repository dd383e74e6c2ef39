"""What goes over the wire, and who judges it: a recorder before the emulator, and a verifier with nothing of ours."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import threading
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

import xacct_sign
from emulator import REPOSITORY


@dataclass
class Exchange:
    """One connection: what each side said, to the byte."""

    request: bytearray = field(default_factory=bytearray)
    response: bytearray = field(default_factory=bytearray)

    @property
    def status(self) -> int:
        return int(self.response.split(None, 2)[1])

    @property
    def reason(self) -> str | None:
        """Why the emulator refuses."""
        for line in self.response.partition(b"\r\n\r\n")[0].split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"x-xacct-reason":
                return value.strip().decode()
        return None


class Recorder:
    """Passes on every byte between clients and a server, and keeps it."""

    def __init__(self, upstream: str) -> None:
        address = urlsplit(upstream)
        self._upstream = (address.hostname, address.port)
        self._exchanges: list[Exchange] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def take(self) -> list[Exchange]:
        """What was exchanged since the last time."""
        taken, self._exchanges = self._exchanges, []
        return [exchange for exchange in taken if exchange.request]

    def close(self) -> None:
        # A thread that waits in `accept` is not woken by `close`.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._upstream)
            exchange = Exchange()
            self._exchanges.append(exchange)
            for source, target, kept in ((client, server, exchange.request), (server, client, exchange.response)):
                threading.Thread(target=self._pass, args=(source, target, kept), daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
        try:
            while data := source.recv(65536):
                # Kept before it is passed on: whoever has an answer finds the request here.
                kept += data
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            else:
                end.close()


def sent_again(upstream: str, request: bytes) -> Exchange:
    """The same bytes once more, on a connection of their own."""
    address = urlsplit(upstream)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(request)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        answer.read()
    lines = [f"HTTP/1.1 {answer.status}", *(f"{name}: {value}" for name, value in answer.getheaders())]
    return Exchange(bytearray(request), bytearray("\r\n".join(lines).encode()))


class Judge:
    """`tests/src/bin/judge.rs` as a process."""

    def __init__(self) -> None:
        command = ["cargo", "run", "-q", "--release", "-p", "xacct-sign-tests", "--bin", "judge"]
        if path := os.environ.get("XACCT_SIGN_JUDGE"):
            command = [path]
        self._process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def refusal(
        self, request: bytes, keys: xacct_sign.Credentials, region: str, service: str = "execute-api"
    ) -> str | None:
        """Why the request is refused; None if it is accepted."""
        case: dict[str, Any] = {
            # A character for each byte.
            "request": request.decode("latin-1"),
            "credentials": {
                "access_key_id": keys.access_key_id,
                "secret_access_key": keys.secret_access_key,
                "session_token": keys.session_token,
            },
            "region": region,
            "service": service,
            "now": int(datetime.now(timezone.utc).timestamp()),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(case) + "\n")
        answer = json.loads(self._process.stdout.readline())
        assert answer is None or isinstance(answer, str)
        return answer

    def close(self) -> None:
        self._process.communicate(timeout=10)
