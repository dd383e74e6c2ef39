"""Requests that go out more than once, and bodies whose length is said: every adapter, and `Session`."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from adapters import FACES, SIGNED, each_face, signs
from helpers import Answer, Request, serve
from test_flows import check_signature
from xacct_sign.requests import SigV4Auth
from xacct_sign.urllib3 import SigV4PoolManager

LATE = {"date": "Thu, 01 Jan 2015 00:00:00 GMT"}


@each_face
def test_a_second_attempt_after_a_redirect_that_left_the_file_behind(face: str, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"skipped, sent")
    answers = [Answer(303, {"location": "/next"}), Answer(403, LATE), Answer(200, body=b"here")]
    with serve(lambda _: answers[len(server.requests) - 1]) as server, path.open("rb") as file:
        file.seek(9)
        got = FACES[face](signs(), "POST", server.url + "/start", None, file)
    sent = [(request.method, request.target, request.body) for request in server.requests]
    # httpx asks nobody about a redirect's answer: there the 403 is the answer.
    is_last = face.startswith("httpx")
    assert sent == [("POST", "/start", b"sent"), ("GET", "/next", b""), ("GET", "/next", b"")][: 2 if is_last else 3]
    assert got.status == (403 if is_last else 200)
    for request in server.requests:
        check_signature(request, server, SIGNED)


def test_a_file_that_was_put_into_a_prepared_request_goes_along_with_a_second_attempt(tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"sent")
    answers = [Answer(403, LATE), Answer()]
    with serve(lambda _: answers[len(server.requests) - 1]) as server, path.open("rb") as file:
        prepared = requests.Request("PUT", server.url).prepare()
        prepared.body = file  # type: ignore[assignment]
        with requests.Session() as session:
            assert session.send(SigV4Auth(**signs())(prepared)).status_code == 200
    assert [request.body for request in server.requests] == [b"sent", b"sent"]


@each_face
def test_a_redirect_after_a_second_attempt_is_signed_anew_within_the_origin_alone(face: str) -> None:
    answers = [Answer(403, LATE), Answer(302, {"location": "/next"}), Answer()]
    with serve(lambda _: answers[len(server.requests) - 1]) as server:
        assert FACES[face](signs(), "GET", server.url + "/start", None, None).status == 200
    assert [request.target for request in server.requests] == ["/start", "/start", "/next"]
    for request in server.requests:
        check_signature(request, server, SIGNED)
    assert [request.headers["x-amz-date"][:4] for request in server.requests[1:]] == ["2015", "2015"]

    def elsewhere(_: Request) -> Answer:
        return Answer(403, LATE) if len(server.requests) == 1 else Answer(302, {"location": other.url})

    with serve() as other, serve(elsewhere) as server:
        FACES[face](signs(), "GET", server.url + "/start", None, None)
    assert len(server.requests) == 2
    assert len(other.requests) == (0 if face == "session" else 1)
    for request in other.requests:
        assert not (SIGNED | {"authorization"}) - {"host"} & request.headers.keys()
        assert "given-token" not in request.headers.values()


def test_the_answer_to_a_second_attempt_by_requests_has_the_refusal_in_its_history() -> None:
    answers = [Answer(403, LATE), Answer()]
    with serve(lambda _: answers[len(server.requests) - 1]) as server:
        answer = requests.get(server.url, auth=SigV4Auth(**signs()))
    dates = [each.request.headers["x-amz-date"] for each in (*answer.history, answer)]
    assert dates == [request.headers["x-amz-date"] for request in server.requests]


@each_face
@pytest.mark.parametrize("kind", ["bytes", "file"])
@pytest.mark.parametrize(
    "said", [{"Content-Length": "3"}, {"Content-Length": "9"}, {"Transfer-Encoding": "chunked"}], ids=str
)
def test_what_a_caller_says_of_a_bodys_length_cuts_nothing(
    face: str, kind: str, said: dict[str, str], tmp_path: Path
) -> None:
    """What is beyond a length that was said would be the next request on that connection."""
    path = tmp_path / "body"
    path.write_bytes(b"hello")
    with serve() as server, path.open("rb") as file:
        got = FACES[face](signs(), "PUT", server.url, said, file if kind == "file" else b"hello")
    assert got.status == 200
    (request,) = server.requests
    assert request.body == b"hello"
    assert request.headers["content-length"] == "5"
    assert "transfer-encoding" not in request.headers
    check_signature(request, server, SIGNED)


@each_face
def test_an_empty_file_goes_out_without_chunks(face: str, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"skipped")
    with serve() as server, path.open("rb") as file:
        file.seek(7)
        assert FACES[face](signs(), "PUT", server.url, None, file).status == 200
    (request,) = server.requests
    assert request.body == b""
    assert request.headers.get("content-length", "0") == "0"
    check_signature(request, server, SIGNED)


@pytest.mark.parametrize("kind", ["bytes", "file"])
def test_urllib3_says_no_length_of_what_it_is_told_to_send_in_chunks(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"hello")
    listener = socket.create_server(("127.0.0.1", 0))
    with ThreadPoolExecutor(1) as pool, listener, SigV4PoolManager(**signs()) as client, path.open("rb") as file:
        arrived = pool.submit(in_chunks, listener)
        body = file if kind == "file" else b"hello"
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        assert client.request("PUT", url, body=body, headers={"content-length": "3"}, chunked=True).status == 200
        head = arrived.result()
    assert b"transfer-encoding: chunked" in head
    assert b"content-length" not in head


def in_chunks(listener: socket.socket) -> bytes:
    """The head of a request whose body ends with an empty chunk, in lower case."""
    connection, _ = listener.accept()
    arrived = b""
    with connection:
        while not arrived.endswith(b"\r\n0\r\n\r\n"):
            part = connection.recv(65536)
            assert part, arrived
            arrived += part
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    return arrived.partition(b"\r\n\r\n")[0].lower()
