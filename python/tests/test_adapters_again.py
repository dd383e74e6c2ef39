"""Requests that go out more than once, and bodies whose length is said: every adapter, and `Session`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
import xacct_sign
from adapters import ADAPTERS, Call, by_session
from helpers import REGION, Answer, Request, serve
from test_flows import GIVEN, check_signature
from xacct_sign.requests import SigV4Auth

FACES: dict[str, Call] = {"session": by_session} | ADAPTERS
SIGNED = {"host", "x-amz-date", "x-amz-security-token"}
LATE = {"date": "Thu, 01 Jan 2015 00:00:00 GMT"}
each_face = pytest.mark.parametrize("face", FACES)


def signs() -> dict[str, Any]:
    return {"credentials": xacct_sign.Credentials(*GIVEN), "region": REGION}


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
        prepared.headers["content-length"] = "4"
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
