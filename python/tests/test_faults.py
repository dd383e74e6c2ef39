"""What goes wrong on the way: `tests/faults.toml`, by the session and by every adapter, and storms of it."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import xacct_sign
from emulator import Emulator
from faulty import BESIDE, FACES, RETRIES, Call, FaultProxy, Pair, code_of, faces
from helpers import table

TABLE = table("faults.toml")
ROWS = TABLE["fault"]
LARGE = b"x" * 16_000_000
SHORT = 1.5
"""Seconds, where the limit is what is tried."""
LONG = 20.0
"""Where it is not: a machine may have much else to do."""
CALLS = 200
METHODS = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"]
WITH_BODY = {"PUT", "POST", "PATCH"}

Face = Callable[[xacct_sign.AssumeRole], Any]


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultProxy]:
    running = FaultProxy()
    yield running
    running.close()


@pytest.fixture(scope="module")
def known() -> Iterator[dict[str, Face]]:
    with faces() as all_of_them:
        yield all_of_them


def called(call: Call, pair: Pair, method: str, name: str, limit: float = LONG, large: bool = False) -> str:
    """A status or a code. A 200 that belongs to another call is none."""
    body = LARGE if large else name.encode() if method in WITH_BODY else None
    try:
        status, content = call(method, pair.api + "/hoge", {"x-call-id": name}, body, limit)
    except Exception as error:
        return code_of(error)
    if status != 200 or method == "HEAD":
        return str(status)
    try:
        seen = json.loads(content)
        is_own = (seen["method"], seen["headers"]["x-call-id"]) == (method, name)
    except ValueError:
        is_own = False
    return "200" if is_own else "foreign"


def recovers(call: Call, pair: Pair) -> None:
    """An error of STS stands for a moment."""
    pair.calm()
    while called(call, pair, "GET", "afterwards") != "200":
        time.sleep(0.05)


def expected(row: dict[str, Any], face: str, method: str) -> tuple[str, int, int | None]:
    differs = next((each for each in row.get("differs", []) if face in each["faces"]), {})
    of_method = [
        differs[column][method] if method in differs.get(column, {}) else row[column][method]
        for column in ("expect", "sends")
    ]
    return of_method[0], of_method[1], differs.get("asked", row.get("asked"))


def run(row: dict[str, Any], name: str, face: Face, method: str, emulator: Emulator, proxy: FaultProxy) -> str | None:
    """What is wrong with a row."""
    pair = proxy.open(emulator, row=row["name"])
    with face(emulator.assume_role(sts_endpoint=pair.sts)) as call:
        kind = row["fault"]["kind"]
        # Of two of them the call after the one that meets them is what matters.
        before = row.get("after", 0) + (kind in ("close_after_answer", "unasked"))
        assert [called(call, pair, "GET", f"before-{number}") for number in range(before)] == ["200"] * before
        while kind == "close_after_answer" and not any(came["is_closed"] for came in pair.came()["api"]):
            time.sleep(0.001)
        limit = SHORT if row["expect"][method] == "timeout" else LONG
        outcome = called(call, pair, method, "call", limit, row.get("large", False))
        came = pair.came()
        while kind == "unasked" and not any(each["id"] == "call" for each in came["api"]):
            # Whose answer was there already may be on its way.
            came = pair.came()
        sends = sum(each["id"] == "call" for each in came["api"])
        wanted = expected(row, name, method)
        found = (outcome, sends, len(came["sts"]) if wanted[2] is not None else None)
        if before and kind not in ("close_after_answer", "unasked"):
            assert came["api"][before]["connection"] == came["api"][0]["connection"]
        if found != wanted:
            return f"{method}, {row['name']}: {found} and not {wanted}"
        recovers(call, pair)
    return None


def hangs_at_sts(row: dict[str, Any]) -> bool:
    return row["where"] == "sts" and row["fault"]["kind"] == "hold"


# trio's, of httpx.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", FACES)
def test_every_fault_ends_right_or_typed_and_sends_nothing_twice_that_must_not_be(
    name: str, known: dict[str, Face], emulator: Emulator, proxy: FaultProxy
) -> None:
    tried = [(row, method) for row in ROWS for method in row["expect"] if name == "session" or not hangs_at_sts(row)]
    with ThreadPoolExecutor(BESIDE) as threads:
        failed = list(threads.map(lambda each: run(each[0], name, known[name], each[1], emulator, proxy), tried))
    assert not any(failed), "\n" + "\n".join(filter(None, failed))


def test_a_sts_that_hangs_is_tried_again_where_a_client_has_no_say_in_it(
    known: dict[str, Face], emulator: Emulator, proxy: FaultProxy
) -> None:
    tried = [(row, name) for row in ROWS if hangs_at_sts(row) for name in FACES if name != "session"]
    with ThreadPoolExecutor(len(tried)) as threads:
        failed = list(threads.map(lambda each: run(each[0], each[1], known[each[1]], "GET", emulator, proxy), tried))
    assert not any(failed), "\n" + "\n".join(filter(None, failed))


UNSEEN = {"reset_after_request", "close_after_request", "cut_head", "garbage", "huge_header"}


def was_refused(came: dict[str, Any]) -> bool:
    """Whether the client has seen the head of a 403: after that a call may be sent again, whatever its method."""
    fault = came["fault"] or {"kind": "none"}
    status = fault.get("status") or came["status"]
    return bool(status == 403 and fault["kind"] not in UNSEEN)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", [*FACES, RETRIES])
def test_in_a_storm_each_call_ends_right_or_typed(
    name: str, known: dict[str, Face], short_lived: Emulator, proxy: FaultProxy
) -> None:
    pair = proxy.open(short_lived, storm=7)
    with known[name](short_lived.assume_role(sts_endpoint=pair.sts)) as call:
        methods = list(itertools.islice(itertools.cycle(METHODS), CALLS))
        with ThreadPoolExecutor(BESIDE) as threads:
            outcomes = list(
                threads.map(lambda each: called(call, pair, each[1], str(each[0]), SHORT), enumerate(methods)),
            )
        came = pair.came()["api"]
        for number, (method, outcome) in enumerate(zip(methods, outcomes, strict=True)):
            of_call = [each for each in came if each["id"] == str(number)]
            refused = sum(map(was_refused, of_call[:-1]))
            # What may be repeated some clients repeat by themselves.
            if method in ("POST", "PATCH"):
                assert refused <= 1, (outcome, of_call)
                assert len(of_call) - refused <= 1, (outcome, of_call)
            assert outcome != "200" or of_call
        recovers(call, pair)
    counts = Counter(outcomes)
    print(name, counts)
    assert {"200", "403", "transport"} <= counts.keys()
