"""A thousand callers on one ASGI server, with issuers and an STS that fail: for a test, and for the benchmark.

Each request knows what it may be told. Nobody may come in who should not; and who should may be told 503 while
something fails that the check needs, and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import serving

CALLERS = 1000
ISSUERS = 10
"""Accounts. Nine tenths of the callers of each send tokens, the others proofs."""

APP = """
from pathlib import Path
from xacct_sign.server import Verifier
from xacct_sign.server.asgi import CallerMiddleware

async def bare(scope, receive, send):
    if scope["type"] != "http":
        return
    caller = scope.get("state", {}).get("caller")
    body = caller.name.encode() if caller else b"nobody"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})

checked = CallerMiddleware(bare, Verifier.from_file(Path(__file__).with_name("callers.json"), development=True))
"""


def account(issuer: int) -> str:
    """The account of an issuer."""
    return f"{issuer:012}"


def issuer_of(caller: int) -> int:
    """The issuer of a caller."""
    return caller % ISSUERS


def sends_proofs(caller: int) -> bool:
    """Whether a caller sends proofs."""
    return caller // ISSUERS % 10 == 9


class Peers:
    """The issuers and STS, which fail as they are told to."""

    def __init__(self) -> None:
        """On a port of loopback."""
        self.fails = ""
        """How: ``status``, ``drop``, ``garbage``, ``throttle``, or not at all."""
        self.hangs = ""
        """Who takes a request and says nothing until whoever asks goes away: ``keys``, ``sts``, or nobody."""
        self.held: dict[str, set[object]] = {"keys": set(), "sts": set()}
        """The connections on which nothing is said."""
        self.generation = 0
        """Which of two keys signs; both are published from then on."""
        self.withdrawn: set[int] = set()
        """The issuers that publish the key that signs alone."""
        self.asked: Counter[str] = Counter()
        peers = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                peers.asked["keys"] += 1
                if not self.hangs("keys"):
                    self.reply(200, peers.key_set(int(self.path.split("/")[2])))

            def do_POST(self) -> None:
                peers.asked["sts"] += 1
                self.rfile.read(int(self.headers["content-length"]))
                if not self.hangs("sts"):
                    self.reply(*peers.identity({name.lower(): value for name, value in self.headers.items()}))

            def hangs(self, what: str) -> bool:
                if peers.hangs != what:
                    return False
                peers.held[what].add(self)
                try:
                    self.rfile.read(1)
                finally:
                    peers.held[what].remove(self)
                return True

            def reply(self, status: int, body: bytes) -> None:
                failures = {
                    "status": (500, b"no"),
                    "garbage": (200, b"<html>no</html>"),
                    "throttle": (429, b""),
                }
                if peers.fails == "drop":
                    return
                status, body = failures.get(peers.fails, (status, body))
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 512
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """No more answers."""
        self._server.shutdown()
        self._server.server_close()

    def key_name(self, generation: int | None = None) -> tuple[str, str]:
        """The key that signs, and its id."""
        generation = self.generation if generation is None else generation
        return ("shop_ec", "EC384_0") if generation == 0 else ("next_ec", "EC384_1")

    def key_set(self, issuer: int) -> bytes:
        """What an issuer publishes."""
        oldest = self.generation if issuer in self.withdrawn else 0
        keys = [self.key_name(generation) for generation in range(oldest, self.generation + 1)]
        return json.dumps({"keys": [serving.public(name) | {"kid": kid} for name, kid in keys]}).encode()

    def identity(self, headers: dict[str, str]) -> tuple[int, bytes]:
        """What STS says of a proof."""
        credential, names, signature = (
            part.split("=", 1)[1] for part in headers["authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(", ")
        )
        key, _, region, *_ = credential.split("/")
        signed = {name: headers[name] for name in names.split(";")}
        if signature != serving.signature_of(signed, headers["x-amz-date"], region):
            return 403, serving.error_xml("SignatureDoesNotMatch")
        caller = int(key.removeprefix("ASIA"))
        arn = f"arn:aws:sts::{account(issuer_of(caller))}:assumed-role/Role{caller:04}/load"
        return 200, serving.identity_xml(arn, account(issuer_of(caller)))

    def callers(self) -> dict[str, Any]:
        """`callers.json`."""
        issuers = [f"{self.url}/issuers/{number}" for number in range(ISSUERS)]
        return {
            "version": 1,
            "stage": "load",
            "target": "server",
            "partition": "aws",
            "audience": serving.AUDIENCE,
            "algorithm": "ES384",
            "max_duration_seconds": 3600,
            "regions": ["ap-northeast-1"],
            "dev_issuers": issuers,
            "callers": [
                {
                    "name": f"caller-{number:04}",
                    "account": account(issuer_of(number)),
                    "role": f"Role{number:04}",
                    "issuer": issuers[issuer_of(number)],
                }
                for number in range(CALLERS)
            ],
        }


@dataclasses.dataclass(frozen=True)
class Request:
    """A request, and what it may be told: the body, or a status."""

    raw: bytes
    may: frozenset[str | int]
    what: str


def request_of(bearer: str | None, may: Iterable[str | int], what: str) -> Request:
    """A GET with a bearer."""
    header = f"authorization: Bearer {bearer}\r\n" if bearer is not None else ""
    return Request(f"GET /items/1 HTTP/1.1\r\nhost: here\r\n{header}\r\n".encode(), frozenset(may), what)


class Maker:
    """Makes tokens and proofs, good and bad."""

    def __init__(self, peers: Peers) -> None:
        """Of what these peers stand by."""
        self._peers = peers
        self._serial = itertools.count()

    def token(self, caller: int, generation: int | None = None, key: str | None = None, **changes: Any) -> str:
        """A token that was never sent before; by another key than it says, where one is given."""
        right, kid = self._peers.key_name(generation)
        header, claims = serving.good(f"{self._peers.url}/issuers/{issuer_of(caller)}")
        claims["sub"] = f"arn:aws:iam::{account(issuer_of(caller))}:role/Role{caller:04}"
        claims[serving.STS_CLAIMS]["aws_account"] = account(issuer_of(caller))
        claims |= {"jti": str(next(self._serial)), **changes}
        text: str = serving.token_of(serving.compact(header | {"kid": kid}), serving.compact(claims), key=key or right)
        return text

    def proof(self, caller: int, audience: str = serving.AUDIENCE, **changes: str) -> str:
        """A proof."""
        values = serving.proof_values(audience=audience, offset=-(next(self._serial) % 100))
        text: str = serving.proof_of(serving.compact(values | {"key": f"ASIA{caller:016}"} | changes))
        return text

    def good(self, caller: int, generation: int | None = None, *, may: Iterable[str | int] = ()) -> Request:
        """What lets its caller in, as it is; it may be told something else besides."""
        bearer = self.proof(caller) if sends_proofs(caller) else self.token(caller, generation)
        return request_of(bearer, {f"caller-{caller:04}", *may}, "good")

    def bad(self, caller: int, which: int, *, may: Iterable[str | int] = ()) -> Request:
        """What lets nobody in; of a proof STS has to say so."""
        known, now = self.token(caller), int(time.time())
        signature = known.rsplit(".", 1)[1]
        flipped = "A" if signature[10] != "A" else "B"
        kinds: list[Callable[[], str | None]] = [
            lambda: None,
            lambda: "a.b.c",
            lambda: self.token(caller, aud="https://other.example.com"),
            lambda: self.token(caller, exp=now - 1, iat=now - 300),
            lambda: f"{known.rsplit('.', 1)[0]}.{signature[:10]}{flipped}{signature[11:]}",
            lambda: self.token(caller, key="partner_ec"),
            lambda: self.token(caller, sub=f"arn:aws:iam::{account(issuer_of(caller))}:role/Role9999"),
            lambda: self.token(caller, sub=f"arn:aws:iam::{account((caller + 1) % ISSUERS)}:role/Role{caller + 1:04}"),
            lambda: self.proof(caller, date=serving.amz_date(-1000)),
            lambda: self.proof(caller, "https://other.example.com"),
            lambda: self.proof(caller, signature=f"{which:064x}"),
        ]
        kind = which % len(kinds)
        return request_of(kinds[kind](), {401, *may}, f"bad {kind}")


@contextlib.contextmanager
def server(folder: Path, app: str, sts: str) -> Iterator[Path]:
    """uvicorn with one of the two applications; its socket."""
    socket = folder / f"{app}.socket"
    words = [sys.executable, "-m", "uvicorn", "--uds", str(socket), "--no-access-log", f"served:{app}"]
    environment = os.environ | {"AWS_ENDPOINT_URL_STS": sts}
    log = (folder / f"{app}.log").open("wb")
    with log, subprocess.Popen(words, cwd=folder, env=environment, stdout=log, stderr=log) as process:
        try:
            while not socket.exists():
                if process.poll() is not None:
                    raise RuntimeError((folder / f"{app}.log").read_text())
                time.sleep(0.02)
            yield socket
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


@contextlib.contextmanager
def world() -> Iterator[tuple[Peers, Path]]:
    """Peers, and a folder with an application for their callers."""
    peers = Peers()
    try:
        with tempfile.TemporaryDirectory(prefix="xacct-sign-") as name:
            folder = Path(name)
            (folder / "callers.json").write_text(json.dumps(peers.callers()))
            (folder / "served.py").write_text(APP)
            yield peers, folder
    finally:
        peers.close()


def told(socket: Path, requests: list[Request], connections: int = 32) -> tuple[list[str | int], float]:
    """What each request is told, in order, and how many seconds all of them took."""
    answers: list[str | int] = [0] * len(requests)
    left = iter(enumerate(requests))

    async def send_some() -> None:
        reader, writer = await asyncio.open_unix_connection(str(socket))
        for index, request in left:
            writer.write(request.raw)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length: ")[1].split(b"\r")[0])
            body = await reader.readexactly(length)
            status = int(head[9:12])
            answers[index] = body.decode() if status == 200 else status
        writer.close()

    async def all_() -> float:
        start = time.perf_counter()
        await asyncio.gather(*(send_some() for _ in range(connections)))
        return time.perf_counter() - start

    seconds = asyncio.run(all_())
    return answers, seconds


def wrong(requests: list[Request], answers: list[str | int]) -> list[str]:
    """Which requests were told what they may not be."""
    pairs = [pair for pair in zip(requests, answers, strict=True) if pair[1] not in pair[0].may]
    return [f"{request.what}: {answer}, and not {set(request.may)}" for request, answer in pairs]


def mixed(maker: Maker, seed: int, *, issuers: int = ISSUERS, every: int = 1, fails: bool = False) -> list[Request]:
    """A new request of each caller of so many issuers, and as many bad ones; while STS fails proofs may be told 503.

    Every eighth caller is enough where this is not about numbers.
    """
    outage: set[str | int] = {503} if fails else set()
    requests = []
    for caller in range(seed % every, CALLERS, every):
        if issuer_of(caller) < issuers:
            requests.append(maker.good(caller, may=outage if sends_proofs(caller) else set()))
            requests.append(maker.bad(caller, caller // every + seed, may=outage))
    random.Random(seed).shuffle(requests)
    return requests
