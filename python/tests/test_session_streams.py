"""`Session`: closing, headers, redirects left alone, bodies in pieces, plain http to named hosts, errors of answers."""

from __future__ import annotations

import gzip
import http.server
import io
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import xacct_sign
from emulator import Emulator
from helpers import REGION, ROLE_ARN, Answer, Request, serve, sts_answer

LARGE = 200 << 20
MOST = 20 << 20
"""What a large body may take of memory."""


def direct(**options: Any) -> xacct_sign.Session:
    keys = xacct_sign.Credentials("AKIDEXAMPLE", "secret", "token")
    return xacct_sign.Session(credentials=keys, region=REGION, **options)


def code(call: Callable[[], object]) -> str:
    with pytest.raises(xacct_sign.XacctSignError) as caught:
        call()
    return caught.value.code


def test_a_closed_session_sends_nothing() -> None:
    with serve() as server:
        with direct(base_url=server.url) as session:
            assert session.get("/").status_code == 200
        assert code(lambda: session.get("/")) == "closed"
        session.close()
        assert len(server.requests) == 1


def test_headers_of_the_session_give_way_to_those_of_a_request() -> None:
    with serve() as server:
        session = direct(base_url=server.url, headers={"X-Team": "shop", "content-type": "text/csv"})
        session.get("/", headers={"x-team": "other"})
        session.put("/", json=[1])
        session.put("/", data="a", headers=[("Content-Type", "text/plain")])
        sent = [request.headers for request in server.requests]
        assert [(each["x-team"], each["content-type"]) for each in sent] == [
            ("other", "text/csv"),
            ("shop", "text/csv"),
            ("shop", "text/plain"),
        ]
        assert all("x-team" in each["authorization"] for each in sent)
    assert code(lambda: direct(headers=3)) == "invalid_header"
    assert code(lambda: direct(headers={"a": 3})) == "invalid_header"


def test_redirects_can_be_left_alone() -> None:
    with serve(lambda _: Answer(302, {"location": "/next"})) as server:
        answer = direct().get(server.url, allow_redirects=False)
        assert (answer.status_code, answer.headers["location"], len(server.requests)) == (302, "/next", 1)


def test_a_streamed_answer_is_read_in_pieces() -> None:
    text = b"a line\r\nanother\n\nlast"
    coded = Answer(headers={"content-encoding": "gzip"}, body=gzip.compress(text))
    with serve(lambda request: coded if request.target == "/coded" else Answer(body=text)) as server:
        session = direct(base_url=server.url)
        for path in ("/", "/coded"):
            with session.get(path, stream=True) as answer:
                assert (answer.status_code, answer.ok) == (200, True)
                pieces = list(answer.iter_content(4))
            assert b"".join(pieces) == text
            assert max(map(len, pieces)) <= 4
            assert session.get(path, stream=True).content == text
            assert session.get(path, stream=True).text == text.decode()
            lines = list(session.get(path, stream=True).iter_lines(3))
            assert lines == [b"a line", b"another", b"", b"last"]
            # Without `stream` there are pieces, too, as often as one likes.
            answer = session.get(path)
            assert [next(answer.iter_content(20)) for _ in range(2)] == [text[:20]] * 2
        # Each was read to its end, and gave its connection back.
        assert server.connections == 1


def test_a_long_line_is_not_copied_for_each_piece_of_it() -> None:
    """That took the square of its length: a line of 16 MB two seconds, one of 160 MB minutes."""
    copied = 0

    class Piece(bytes):
        """It counts what it is put behind."""

        def __radd__(self, before: bytes) -> bytes:
            nonlocal copied
            copied += len(before)
            return before + bytes(self)

    class Pieces:
        """A `Stream` of one line that comes in a thousand pieces, and the beginning of another."""

        def __init__(self) -> None:
            self._left = [Piece(b"x" * 1000)] * 1000 + [Piece(b"\r\nlast"), Piece(b"")]

        def read(self, _: int, __: float | None) -> bytes:
            return self._left.pop(0)

    stream: Any = Pieces()
    lines = list(xacct_sign.Response("GET", 200, "https://api.example.com/", [], stream).iter_lines())
    assert lines == [b"x" * 1_000_000, b"last"]
    assert copied == 0


def test_what_was_read_or_closed_is_not_read_again() -> None:
    with serve(lambda _: Answer(body=b"x" * (1 << 22))) as server:
        session = direct(base_url=server.url)
        answer = session.get("/", stream=True)
        next(answer.iter_content(1))
        assert code(lambda: answer.content) == "invalid_option"
        assert code(lambda: answer.iter_content()) == "invalid_option"
        answer.close()
        answer = session.get("/", stream=True)
        pieces = answer.iter_content(1)
        next(pieces)
        answer.close()
        assert code(lambda: next(pieces)) == "closed"
        # What is closed before its end takes its connection with it.
        assert session.get("/").status_code == 200
        assert server.connections == 3
        for size in (0, -1, True, "1", None):
            assert code(lambda size=size: session.get("/").iter_content(size)) == "invalid_option"  # type: ignore[misc]


class _Large(http.server.BaseHTTPRequestHandler):
    """Sends, and takes, bodies without keeping them."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, length: int) -> None:
        self.send_response(200)
        self.send_header("content-length", str(length))
        self.end_headers()

    def do_GET(self) -> None:
        length = LARGE if self.path == "/large" else 5
        self._answer(length)
        for start in range(0, length, 1 << 20):
            self.wfile.write(b"x" * min(1 << 20, length - start))

    def do_PUT(self) -> None:
        left = length = int(self.headers["content-length"])
        while left and (read := len(self.rfile.read(min(left, 1 << 20)))):
            left -= read
        said = str(length - left).encode()
        self._answer(len(said))
        self.wfile.write(said)


@pytest.fixture
def large() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Large)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


PROGRAM = """
import sys, xacct_sign

def most_memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM:"))

keys = xacct_sign.Credentials("AKIDEXAMPLE", "secret")
session = xacct_sign.Session(credentials=keys, region="us-east-1", base_url=sys.argv[1])
session.get("/small", stream=True).content
before = most_memory()
if len(sys.argv) == 2:
    with session.get("/large", stream=True) as answer:
        count = sum(map(len, answer.iter_content(1 << 16)))
else:
    with open(sys.argv[2], "rb") as file:
        count = int(session.put("/large", data=file).text)
print(count, most_memory() - before)
"""


def _taken(*arguments: str) -> tuple[int, int]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True)
    count, memory = map(int, done.stdout.split())
    return count, memory


def test_a_large_answer_takes_little_memory(large: str) -> None:
    count, memory = _taken(large)
    assert count == LARGE
    assert memory <= MOST


def test_a_large_file_takes_little_memory(large: str, tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(LARGE)
    count, memory = _taken(large, str(path))
    assert count == LARGE
    assert memory <= MOST


def test_a_file_is_signed_and_sent_from_where_it_stands(emulator: Emulator) -> None:
    session = emulator.session()
    file = io.BytesIO(b"skipped, sent")
    file.seek(9)
    for _ in range(2):
        answer = session.put("/hoge", data=file)
        answer.raise_for_status()
        assert (answer.json()["body"], file.tell()) == ("sent", 9)
        assert answer.json()["headers"]["content-length"] == "4"


def test_what_a_file_raises_comes_out_as_it_is() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if size == 0:
                return b""
            raise RuntimeError("the disk is gone")

    class Lying(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return b"" if size == 0 else b"x" * ((size or 0) + 1)

    with serve() as server:
        with pytest.raises(RuntimeError, match="the disk is gone"):
            direct().put(server.url, data=Broken(b"a"))
        assert code(lambda: direct().put(server.url, data=Lying(b"a"))) == "invalid_body"
        assert not server.requests


def test_ctrl_c_ends_the_reading() -> None:
    class Stop(Exception):
        pass

    def stop(*_: object) -> None:
        raise Stop

    with serve(lambda _: Answer(fault="half")) as server:
        # The half that it sends, and a connection that stays open behind it.
        answer = direct(timeout=None).get(server.url, stream=True)
        assert code(lambda: answer.content) == "transport"
    before = signal.signal(signal.SIGUSR1, stop)
    try:
        with _hanging() as url:
            pieces = direct(timeout=None).get(url, stream=True).iter_content()
            assert next(pieces) == b"half"
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            with pytest.raises(Stop):
                next(pieces)
            answer = direct(timeout=0.3).get(url, stream=True)
            with pytest.raises(xacct_sign.TransportTimeout):
                list(answer.iter_content())
    finally:
        signal.signal(signal.SIGUSR1, before)


class _hanging:
    """A server that sends half of a body, and then nothing."""

    def __enter__(self) -> str:
        import socket

        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        import socket

        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            self._connections.append(connection)
            connection.recv(1 << 16)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf")
            assert isinstance(connection, socket.socket)

    def __exit__(self, *_: object) -> None:
        import socket

        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.close()


def test_an_error_shows_what_the_answer_says_and_the_emulators_reason(emulator: Emulator) -> None:
    # The emulator knows nobody of that key.
    answer = direct(base_url=emulator.url()).get("/hoge")
    with pytest.raises(xacct_sign.HttpStatusError) as caught:
        answer.raise_for_status()
    assert f"403 Forbidden: `{answer.json()['message']}` (the emulator's reason: " in str(caught.value)
    assert answer.headers["x-xacct-reason"] in str(caught.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"message":"no such order"}', "`no such order`"),
        (b'{"Message":"User: x is not authorized"}', "`User: x is not authorized`"),
        (b"plain\nSECRET", "`plain`"),
        (b'{"message":"do not match\\n\\nSECRET"}', "`do not match`"),
        (b'{"other":"do not match\\nSECRET"}', '`{"other":"do not match`'),
        (b'{"message":"bad header. Authorization=SECRET"}', "`bad header.`"),
        (b"\x1b[2Kgone\xe2\x80\xae", "`\\x1b[2Kgone\\u202e`"),
        (b"x" * 300 + b"SECRET", "`" + "x" * 200 + "\u2026`"),
        (b"\x00\x01SECRET", ""),
        (b"", ""),
        (b"key secret, then token!", "`key \u2026, then \u2026!`"),
    ],
)
def test_an_error_shows_the_first_line_and_nothing_secret(body: bytes, said: str) -> None:
    with serve(lambda _: Answer(400, body=body)) as server:
        with pytest.raises(xacct_sign.HttpStatusError) as caught:
            direct().get(server.url + "/a?SECRET").raise_for_status()
        shown = f"GET {server.url}/a was answered with 400 Bad Request"
        assert str(caught.value) == (f"{shown}: {said}" if said else shown)


def test_an_error_reads_no_body_that_is_still_to_be_read() -> None:
    with serve(lambda _: Answer(400, body=b"why")) as server:
        answer = direct().get(server.url, stream=True)
        with pytest.raises(xacct_sign.HttpStatusError, match=r"400 Bad Request$"):
            answer.raise_for_status()
        assert answer.content == b"why"


def test_c12_plain_http_goes_to_named_hosts_and_a_warning_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def seen(request: Request) -> Answer:
        return Answer(body=request.headers["host"].encode())

    with serve(seen, host="0.0.0.0") as server:
        # It leads here, and is no loopback address.
        url = f"http://0.0.0.0:{server.port}"
        assert code(lambda: direct().get(url)) == "insecure_url"
        assert code(lambda: direct(base_url=url)) == "insecure_url"
        assert code(lambda: direct(allow_http_hosts=["0.0.0.0:1"]).get(url)) == "insecure_url"
        session = direct(base_url=url, allow_http_hosts=["0.0.0.0"])
        with pytest.warns(UserWarning, match=r"signed requests go to `0\.0\.0\.0:\d+` over plain http") as told:
            assert session.get("/").text == f"0.0.0.0:{server.port}"
        assert told[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            session.get("/")
        hosts = xacct_sign._native.HttpHosts(["0.0.0.0"])
        with pytest.warns(UserWarning, match="over plain http"):
            assert hosts.reachable_url(url) == url + "/"
        assert code(lambda: xacct_sign._native.HttpHosts().reachable_url(url)) == "insecure_url"
        monkeypatch.setenv("XACCT_ALLOW_HTTP_HOSTS", f"localstack, 0.0.0.0:{server.port}")
        with pytest.warns(UserWarning, match="over plain http"):
            assert direct(base_url=url).get("/").status_code == 200
        with pytest.warns(UserWarning, match="over plain http"):
            assert direct().get(url).status_code == 200
        assert xacct_sign._native.HttpHosts(None).reachable_url("https://a.test") == "https://a.test/"
        monkeypatch.setenv("XACCT_ALLOW_HTTP_HOSTS", "http://0.0.0.0")
        assert code(lambda: direct().get(url)) == "invalid_option"
    for hosts_given in ("localstack", ["*"], ["http://a"], [3], 3):
        assert code(lambda given=hosts_given: direct(allow_http_hosts=given)) == "invalid_option"  # type: ignore[misc]


def test_a_warning_that_is_an_error_comes_before_anything_is_sent() -> None:
    with serve(lambda _: sts_answer(), host="0.0.0.0") as sts, serve(host="0.0.0.0") as server:
        api, here = f"http://0.0.0.0:{server.port}", f"http://127.0.0.1:{server.port}"
        given = {"region": REGION, "allow_http_hosts": ["0.0.0.0"]}
        session = direct(allow_http_hosts=["0.0.0.0"])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for call in (
                lambda: session.post(api, data=b"x"),
                lambda: xacct_sign.AssumeRole(ROLE_ARN, sts_endpoint=f"http://0.0.0.0:{sts.port}", **given),
            ):
                with pytest.raises(UserWarning, match="over plain http"):
                    call()
            assert (sts.requests, server.requests) == ([], [])
            # Once is enough.
            assert session.post(api, data=b"x").status_code == session.get(here).status_code == 200


def test_c12_sts_is_called_over_plain_http_where_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    good = xacct_sign.Credentials("AKIDEXAMPLE", "secret")
    with serve(lambda _: sts_answer(), host="0.0.0.0") as sts, serve() as server:
        # It leads here, and is no loopback address.
        url = f"http://0.0.0.0:{sts.port}"
        assert code(lambda: xacct_sign.AssumeRole(ROLE_ARN, region=REGION, sts_endpoint=url)) == "insecure_url"
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        assert code(lambda: xacct_sign.Session(ROLE_ARN, region=REGION)) == "insecure_url"
        for allowed in (iter(["0.0.0.0"]), ["0.0.0.0"]):
            with pytest.warns(UserWarning, match=r"signed requests go to `0\.0\.0\.0:\d+` over plain http") as told:
                session = xacct_sign.Session(ROLE_ARN, region=REGION, credentials=good, allow_http_hosts=allowed)
            assert told[0].filename == __file__
            assert session.get(server.url).status_code == 200
        monkeypatch.setenv("XACCT_ALLOW_HTTP_HOSTS", "0.0.0.0")
        with pytest.warns(UserWarning, match="over plain http"):
            role = xacct_sign.AssumeRole(ROLE_ARN, region=REGION, base=good)
        assert role.credentials().session_token
        assert len(sts.requests) == 3
