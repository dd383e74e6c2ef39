"""The logger `xacct_sign`: what a program sees of what nobody asked for."""

from __future__ import annotations

import datetime
import email.utils
import logging
import re
import subprocess
import sys
import threading
import time

import pytest
import xacct_sign
from helpers import REGION, ROLE_ARN, Answer, fake_role, serve, sts_answer, sts_error
from xacct_sign._native import Signing

CREDENTIALS = xacct_sign.Credentials("AKIDEXAMPLE", "SECRETMARKER", "TOKENMARKER")


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger="xacct_sign")
    return caplog


def ours(lines: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in lines.records if record.name == "xacct_sign"]


def test_a_refresh_is_info(lines: pytest.LogCaptureFixture) -> None:
    with serve(lambda _: sts_answer("ASIA", "SECRETMARKER", "TOKENMARKER")) as sts:
        role = fake_role(sts)
        role.credentials()
        role.credentials()
    ((level, text),) = ours(lines)
    assert level == "INFO"
    assert re.fullmatch(
        rf"AssumeRole gave new credentials of {ROLE_ARN}, good until 20\d\d-[\d-]*T[\d:.]*Z, in [\d.]*(s|ms|µs)", text
    )
    assert "MARKER" not in lines.text


def test_a_request_is_debug_without_its_query(lines: pytest.LogCaptureFixture) -> None:
    with serve(lambda _: Answer(404)) as api:
        session = xacct_sign.Session(credentials=CREDENTIALS, region=REGION)
        session.get(f"{api.url}/items/1?key=SECRETMARKER", headers={"x-key": "SECRETMARKER"})
        with pytest.raises(xacct_sign.ValidationError):
            session.get("https://api.example.com/?X-Amz-Signature=SECRETMARKER")
    ((level, text),) = ours(lines)
    assert level == "DEBUG"
    assert re.fullmatch(rf"GET {api.url}/items/1: 404 in [\d.]*(s|ms|µs)", text)


def test_a_request_without_an_answer_is_debug_with_its_code(lines: pytest.LogCaptureFixture) -> None:
    with serve() as api:
        url = api.url
    with pytest.raises(xacct_sign.TransportError):
        xacct_sign.Session(credentials=CREDENTIALS, region=REGION).get(url)
    ((level, text),) = ours(lines)
    assert (level, text.rpartition(" in ")[0]) == ("DEBUG", f"GET {url}/: transport")


def test_a_failed_early_refresh_is_a_warning(lines: pytest.LogCaptureFixture) -> None:
    def answer(_: object) -> Answer:
        return sts_answer(lifetime=2) if len(sts.requests) == 1 else sts_error(403, "AccessDenied", "no TOKENMARKER")

    with serve(answer) as sts:
        role = fake_role(sts, base=CREDENTIALS)
        first = role.credentials()
        while len(sts.requests) == 1 or len(ours(lines)) == 1:
            assert role.credentials() == first
            time.sleep(0.01)
    (_, (level, text)) = ours(lines)
    assert level == "WARNING"
    assert text.startswith(f"AssumeRole gave no new credentials of {ROLE_ARN}, whose old ones still serve, in ")
    assert "sts_denied: " in text


def test_a_failed_refresh_that_somebody_waits_for_is_his_to_tell(lines: pytest.LogCaptureFixture) -> None:
    with serve(lambda _: sts_error(403, "AccessDenied", "no")) as sts, pytest.raises(xacct_sign.StsError):
        fake_role(sts).credentials()
    assert ours(lines) == []


def test_an_early_refresh_is_told_by_its_own_thread(lines: pytest.LogCaptureFixture) -> None:
    with serve(lambda _: sts_answer(f"ASIA{len(sts.requests)}", lifetime=2)) as sts:
        role = fake_role(sts)
        while role.credentials().access_key_id == "ASIA1":
            time.sleep(0.01)
        while len(ours(lines)) < 2:
            time.sleep(0.01)
    assert [level for level, _ in ours(lines)] == ["INFO", "INFO"]
    threads = [record.thread for record in lines.records if record.name == "xacct_sign"]
    assert threads[0] == threading.get_ident() != threads[1]


def test_what_a_callable_raised_is_not_shown(lines: pytest.LogCaptureFixture) -> None:
    asked = 0

    def base() -> xacct_sign.Credentials:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise LookupError("SECRETMARKER is not in the vault")
        return CREDENTIALS

    with serve(lambda _: sts_answer(lifetime=2)) as sts:
        role = fake_role(sts, base=base)
        first = role.credentials()
        while len(ours(lines)) < 2:
            assert role.credentials() == first
            time.sleep(0.01)
    assert ours(lines)[1][0] == "WARNING"
    assert "`LookupError`" in ours(lines)[1][1]
    assert "MARKER" not in lines.text


class BrokenHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise KeyboardInterrupt


def test_what_a_handler_raises_is_not_lost() -> None:
    """A signal's handler may run there as anywhere, and raise."""
    logger = logging.getLogger("xacct_sign")
    handler = BrokenHandler()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        with serve(lambda _: sts_answer()) as sts:
            role = fake_role(sts)
            with pytest.raises(KeyboardInterrupt):
                role.credentials()
            # The credentials are there all the same.
            assert role.credentials().access_key_id == "ASIAFAKE"
            assert len(sts.requests) == 1
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


@pytest.mark.parametrize("raised", [RuntimeError, UserWarning])
def test_a_log_that_fails_takes_no_answer_back(raised: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(record: logging.LogRecord) -> bool:
        raise raised("broken")

    logger = logging.getLogger("xacct_sign")
    unraisable: list[sys.UnraisableHookArgs] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    monkeypatch.setattr(logger, "level", logging.DEBUG)
    logger.addFilter(broken)
    a_minute = datetime.timedelta(minutes=1)
    date = email.utils.format_datetime(datetime.datetime.now(datetime.timezone.utc) + 60 * a_minute, usegmt=True)
    try:
        with serve(lambda _: sts_answer()) as sts, serve(lambda _: Answer(403, {"date": date})) as api:
            assert fake_role(sts).credentials().access_key_id == "ASIAFAKE"
            assert xacct_sign.Session(credentials=CREDENTIALS, region=REGION).post(api.url).status_code == 403
            ready = Signing(CREDENTIALS, REGION, None).ready(api.url)
            assert ready.was_wrong("GET", 403, {"date": date})
            assert len(sts.requests) == 1
    finally:
        logger.removeFilter(broken)
    assert {(type(told.exc_value), str(told.exc_value)) for told in unraisable} == {(raised, "broken")}


def test_a_handler_may_use_the_role_it_is_told_of() -> None:
    """Nothing is locked while it is told."""
    seen: list[str] = []

    class Asking(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(role.credentials().access_key_id)

    logger = logging.getLogger("xacct_sign")
    handler = Asking()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        with serve(lambda _: sts_answer(f"ASIA{len(sts.requests)}", lifetime=2)) as sts:
            role = fake_role(sts)
            while role.credentials().access_key_id == "ASIA1" or len(seen) < 2:
                time.sleep(0.01)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert seen[:2] == ["ASIA1", "ASIA2"]


def test_a_program_that_does_not_log_does_not_pay_for_it() -> None:
    with serve(lambda _: sts_answer()) as sts:
        code = f"""
import sys, xacct_sign
base = xacct_sign.Credentials("AKIDBASE", "secret")
role = xacct_sign.AssumeRole({ROLE_ARN!r}, region={REGION!r}, base=base, sts_endpoint={sts.url!r})
xacct_sign.Session(role).get({sts.url!r})
assert not {{"logging", "threading"}} & set(sys.modules)
"""
        subprocess.run([sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"], check=True)
        assert len(sts.requests) == 2
