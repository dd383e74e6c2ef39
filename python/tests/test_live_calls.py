"""The calls of `make live`, against the emulator: moto has no API Gateway that decides. Nobody asks AWS here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from emulator import cli
from living import Decided, decided

from live import matrix
from live.calls import Outcome
from live.manifest import BY_ROLE, STAGES, Apis, external_id, manifest
from live.matrix import TRIES, Matrix, Row, World, holds
from live.product import Product

RUN, REGION = "0a1b2c3d", "eu-west-1"
PROVIDER, CALLER = "111111111111", "222222222222"
APIS = Apis(
    "h1h1h1h1h1",
    "r1r1r1r1r1",
    "r2r2r2r2r2",
    {
        "url": "https://u1u1u1u1.lambda-url.eu-west-1.on.aws/",
        "url-direct": "https://u2u2u2u2.lambda-url.eu-west-1.on.aws/",
    },
)
MANIFEST = manifest(RUN, REGION, PROVIDER, CALLER, APIS)


class Calls:
    """The matrix of the manifest, where this one is deployed."""

    def __init__(self, folder: Path, emulators: Decided, deployed: str) -> None:
        self.said: list[str] = []
        self.pauses: list[float] = []
        self.lambda_requests = emulators.lambda_requests
        (folder / "xacct.toml").write_text(MANIFEST)
        (folder / "deployed.toml").write_text(deployed)
        function = f"arn:aws:lambda:{REGION}:{PROVIDER}:function:"
        world = World(
            region=REGION,
            terms={"partner": {"external_id": external_id(RUN), "session_name": f"partner-{RUN}"}},
            functions={"url": f"{function}alias:live", "url-direct": f"{function}direct"},
            **emulators.by(folder / "deployed.toml"),
        )
        self.rows = list(Matrix(Product(cli(), folder), world).rows())

    def run(self, rows: list[Row]) -> list[Row]:
        return matrix.run(iter(rows), self.said.append, self.pauses.append)


@pytest.fixture
def make_calls(tmp_path: Path) -> Iterator[Callable[..., Calls]]:
    """Makes them, with what is deployed."""
    with decided(tmp_path) as emulators:
        yield lambda deployed=MANIFEST: Calls(tmp_path, emulators, deployed)


def test_every_call_ends_on_the_emulator_as_it_should(make_calls: Callable[..., Calls]) -> None:
    calls = make_calls()
    assert calls.run(calls.rows) == [], calls.said
    assert calls.pauses == []
    # On every stage calls are allowed and refused; STS refuses where there is a role, the API on every stage.
    expected = {(row.stage, row.expected) for row in calls.rows}
    assert expected == {(stage, kind) for stage in STAGES for kind in ("allowed", "api")} | {
        (stage, "sts") for stage in BY_ROLE
    }
    # Each of those that call is allowed somewhere, and refused by both.
    faces = {row.what for row in calls.rows if row.expected == "allowed"}
    assert faces == {"xacct_sign.Session", "xacct-sign call", "botocore"}
    for face in faces:
        assert {row.expected for row in calls.rows if row.what == face} == {"allowed", "api", "sts"}
    # Lambda's own API was asked for both functions, with a signature. What it answers to it is not tried here.
    asked = [request.target.rpartition("%3A")[2] for request in calls.lambda_requests]
    assert asked == ["live/invocations", "direct/invocations"]
    assert calls.said[-1].startswith(f"{len(calls.rows)} of {len(calls.rows)} calls ended as they should: ")


def of(calls: Calls, **parts: str) -> list[Row]:
    return [row for row in calls.rows if all(getattr(row, key) == value for key, value in parts.items())]


def test_what_is_open_to_a_caller_that_should_not_have_it_is_wrong(make_calls: Callable[..., Calls]) -> None:
    """Deployed are documents without the reader's routes."""
    routes = 'routes = ["GET /items", "GET /items/{id}"]\n'
    wider = MANIFEST.replace(routes, "").replace(
        'accept = { wildcard_spans_segments = "a deeper path is called, too" }\n', ""
    )
    assert wider != MANIFEST
    calls = make_calls(wider)
    rows = of(calls, stage="rest-direct", caller="reader")
    wrong = calls.run(rows)
    assert wrong == [row for row in rows if row.request.path.startswith(("/hoge", "/odd"))]
    assert len(wrong) == 6
    assert [line for line in calls.said if "WRONG" in line and "PUT /hoge" in line and "the API answered 200" in line]
    # A call that should be refused is not made again until it is.
    assert calls.pauses == []


def test_a_term_that_is_not_asked_for_is_wrong(make_calls: Callable[..., Calls]) -> None:
    """Deployed are documents without the partner's external id."""
    calls = make_calls(MANIFEST.replace(f'external_id = "{external_id(RUN)}"\n', ""))
    wrong = calls.run(of(calls, stage="http", caller="partner"))
    assert [row.what for row in wrong] == ["without its external id"]


def test_what_stays_closed_is_wrong_after_all_tries(make_calls: Callable[..., Calls]) -> None:
    calls = make_calls(
        MANIFEST.replace('rest-direct = "xacct-live/xacct-live-0a1b2c3d-reader"', "").replace(", }", " }")
    )
    rows = [row for row in of(calls, stage="rest-direct", caller="reader") if row.expected == "allowed"]
    assert calls.run(rows) == rows
    # All of them together, so that a run that cannot succeed ends.
    assert len(calls.pauses) == TRIES


def row(**parts: object) -> Row:
    """A call whose outcome is given."""
    return replace(
        Row("rest", "whole", "given", matrix.REQUESTS[0], None, None, "allowed", ":assumed-role/Role/"),  # type: ignore[arg-type]
        **parts,  # type: ignore[arg-type]
    )


def seen(**parts: object) -> Outcome:
    context = {"identity": {"userArn": "arn:aws:sts::111111111111:assumed-role/Role/session"}}
    return Outcome(
        "api", 200, json.dumps({"method": "GET", "path": "/items", "body": None, "requestContext": context} | parts)
    )


def test_an_allowed_call_is_made_again_until_the_documents_hold() -> None:
    answers = [Outcome("sts", 403, "AccessDenied"), Outcome("api", 403, "Forbidden"), Outcome("nobody", 0, "x"), seen()]
    said: list[str] = []
    pauses: list[float] = []
    given = row(face=lambda *_: answers.pop(0))
    assert matrix.run(iter([given]), said.append, pauses.append) == []
    assert (len(pauses), answers) == (3, [])


def test_no_answer_is_no_refusal() -> None:
    pauses: list[float] = []
    given = row(expected="api", face=lambda *_: Outcome("nobody", 0, "no connection"))
    assert matrix.run(iter([given]), lambda _: None, pauses.append) == [given]
    assert len(pauses) == TRIES


def test_no_session_token_is_shown(make_calls: Callable[..., Calls]) -> None:
    """A REST API says what it would have signed."""
    canonical = r"PUT\n/v1/hoge\n\nhost:x\nx-amz-security-token:IQoJb3JpZ2luX2VjE+A/=\n\nhost;x-amz"
    said: list[str] = []
    given = row(
        expected="sts", face=lambda *_: Outcome("api", 403, f'{{"message":"should have been \'{canonical}\'"}}')
    )
    assert matrix.run(iter([given]), said.append, lambda _: None) == [given]
    assert r"x-amz-security-token:...\n\nhost;x-amz" in said[1]
    assert "IQoJ" not in "".join(said)
    # The emulator's own form of it.
    calls = make_calls()
    [changed] = [row for row in of(calls, stage="rest-direct") if row.what == "changed after signing"]
    answer = changed.face(changed.way, changed.request).text
    token = changed.way.base.session_token
    assert token
    assert (token in answer, token in matrix.shown(answer)) == (True, False)


@pytest.mark.parametrize(
    ("expected", "outcome", "well"),
    [
        ("allowed", seen(), True),
        # Another role than the caller's was seen, another method, another path, another body.
        ("allowed", seen(requestContext={"identity": {"userArn": "arn:aws:iam::1:user/x"}}), False),
        ("allowed", seen(method="PUT"), False),
        ("allowed", seen(path="/items/7"), False),
        ("allowed", seen(path=None), False),
        ("allowed", seen(body='{"foo":"bar"}'), False),
        ("allowed", seen(requestContext={}), False),
        ("allowed", Outcome("api", 200, "<html>"), False),
        ("allowed", Outcome("api", 403, ""), False),
        # Refused at another door than the one that is meant, by no route, by a fault.
        ("api", Outcome("sts", 403, ""), False),
        ("sts", Outcome("api", 403, ""), False),
        ("api", Outcome("api", 404, ""), False),
        ("api", Outcome("api", 500, ""), False),
        ("api", seen(), False),
        ("api", Outcome("api", 403, ""), True),
        ("sts", Outcome("sts", 403, ""), True),
    ],
)
def test_only_what_is_meant_counts(expected: str, outcome: Outcome, well: bool) -> None:
    assert holds(row(expected=expected), outcome) is well


@pytest.mark.parametrize(
    ("path", "well"), [("/odd/a%20b%40c", True), ("/odd/a b@c", True), ("/odd/a%2520b%2540c", False), ("/odd/", False)]
)
def test_a_path_counts_with_its_escapes_read_or_not(path: str, well: bool) -> None:
    assert holds(row(request=matrix.ODD), seen(path=path)) is well
