"""A marker secret is pushed through everything; none of it may come out."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
import requests
import xacct_sign
from emulator import PARTNER, Emulator
from helpers import REGION, Answer, Request, fake_role, serve, sts_answer, sts_error
from xacct_sign.requests import SigV4Auth

SECRET = "SECRETMARKERabc"
TOKEN = "TOKENMARKERabc"
MARKED = xacct_sign.Credentials("AKIDEXAMPLE", SECRET, TOKEN)
EXTERNAL_ID = "EXTERNALMARKERabc"


def assert_silent(*texts: str) -> None:
    for text in texts:
        for marker in (SECRET, TOKEN, EXTERNAL_ID):
            assert marker not in text
            assert marker.lower() not in text.lower()


def outputs(error: BaseException) -> list[str]:
    """Everything that a program may show of an error, its causes included."""
    texts = ["".join(traceback.format_exception(error))]
    current: BaseException | None = error
    while current is not None:
        texts += [str(current), repr(current), repr(current.args), repr(vars(current))]
        current = current.__cause__ or current.__context__
    return texts


@pytest.fixture(autouse=True)
def _nothing_is_printed(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.NOTSET)
    yield
    captured = capfd.readouterr()
    # What HTTP libraries of others log is theirs.
    ours = [record for record in caplog.get_records("call") if not record.name.startswith("urllib3")]
    assert_silent(captured.out, captured.err, *[record.getMessage() for record in ours])


def test_the_markers_would_be_found() -> None:
    with pytest.raises(AssertionError):
        assert_silent(f"x{SECRET}x")
    assert MARKED.secret_access_key == SECRET
    assert MARKED.session_token == TOKEN


def test_representations() -> None:
    with serve(lambda _: sts_answer("ASIA", SECRET, TOKEN)) as sts:
        role = fake_role(sts, base=MARKED, external_id=EXTERNAL_ID)
        held: list[object] = [
            MARKED,
            xacct_sign.Credentials("AKIDEXAMPLE", SECRET, TOKEN, datetime(2030, 1, 1, tzinfo=timezone.utc)),
            xacct_sign.Signer(MARKED, REGION),
            xacct_sign.Signer(role),
            xacct_sign.Signer(lambda: MARKED, REGION),
            fake_role(sts, base=lambda: MARKED),
            xacct_sign.DefaultCredentials(SECRET),
            role,
            xacct_sign.Session(role),
            xacct_sign.Session(credentials=MARKED, region=REGION),
            SigV4Auth(credentials=MARKED, region=REGION),
            SigV4Auth(role),
            role.credentials(),
            xacct_sign.PayloadHash("0" * 64),
            xacct_sign.UNSIGNED_PAYLOAD,
        ]
        xacct_sign.Session(role).get(sts.url)
    for each in held:
        assert_silent(repr(each), str(each), f"{each}", repr([each]), repr(getattr(each, "__dict__", {})))
    assert "AKIDEXAMPLE" in repr(MARKED)


def test_secrets_do_not_travel_by_accident() -> None:
    for each in (MARKED, xacct_sign.Signer(MARKED, REGION)):
        with pytest.raises(TypeError) as caught:
            pickle.dumps(each)
        assert_silent(*outputs(caught.value))


@pytest.mark.parametrize(
    "make",
    [
        lambda: xacct_sign.Credentials("AKID", SECRET + "\n", TOKEN),
        lambda: xacct_sign.Credentials("AKID", SECRET, TOKEN + " "),
        lambda: xacct_sign.Credentials(SECRET + "/x", "AKID", TOKEN),
        lambda: xacct_sign.Credentials("AKID", SECRET + "ü", TOKEN),
        lambda: xacct_sign.Signer(MARKED, "us-east-1/x"),
        lambda: xacct_sign.Signer(MARKED, REGION).sign("GET", "/relative"),
        lambda: xacct_sign.Signer(MARKED, REGION).sign("GET", f"https://user:{SECRET}@api example.com/"),
        lambda: xacct_sign.Signer(MARKED, REGION).sign("GET", f"https://api.example.com/ ?token={TOKEN}"),
        lambda: xacct_sign.Signer(MARKED, REGION).sign("GET", f"/relative?token={TOKEN}"),
        lambda: xacct_sign.Signer(MARKED, REGION).sign("GET", f"https://api.example.com:x/#{TOKEN}"),
        lambda: xacct_sign.Signer(MARKED, REGION).sign("GET", "https://a.example.com/", {"x-key": SECRET + "\n"}),
        lambda: xacct_sign.Signer(MARKED, REGION).sign("GET", "https://a.example.com/", None, {"a": SECRET}),
        lambda: xacct_sign.Signer(MARKED, REGION).presign("GET", "https://a.example.com/", expires_in=0),
        lambda: xacct_sign.canonical_url(f"https://user:{SECRET}@a.example.com:x/?{TOKEN}"),
        lambda: xacct_sign.Session(credentials=MARKED, region=REGION).get(f"http://{SECRET}@a.example.com/?{TOKEN}"),
        lambda: xacct_sign.Session(credentials=MARKED, region=REGION, base_url=f"https://u:{SECRET}@a/?{TOKEN}"),
        lambda: xacct_sign.Session(credentials=MARKED, region=REGION, base_url="https://a.example.com").get(
            f"https://u:{SECRET}@b.example.com/?{TOKEN}"
        ),
        lambda: xacct_sign.Session(credentials=MARKED, region=REGION).put("https://a/", json={"a": {SECRET}}),
        lambda: xacct_sign.Session(credentials=MARKED, region=REGION).get(
            "https://a.example.com/", headers={"x-key": SECRET + "\r\n"}
        ),
        lambda: xacct_sign.Session("arn:aws:iam::1:role/x", region=REGION, credentials=MARKED),
        lambda: xacct_sign.AssumeRole("arn:x", region=REGION, base=MARKED, external_id=EXTERNAL_ID),
        lambda: SigV4Auth(credentials={"secret": SECRET}, region=REGION),
    ],
)
def test_validation_errors(make: Callable[[], object]) -> None:
    with pytest.raises(xacct_sign.ValidationError) as caught:
        make()
    # The traceback's source lines are this file's; the markers stand in them by name only.
    assert_silent(*outputs(caught.value))


def echoes() -> list[Callable[[Request], Answer]]:
    """Servers that say back what they were sent."""

    def everything(request: Request) -> str:
        return f"{request.headers} {request.body!r}"

    def first_line(request: Request) -> str:
        return f"Signature mismatch, token {request.headers['x-amz-security-token']} is wrong"

    def later_lines(request: Request) -> str:
        return "The request signature we calculated does not match.\n\nThe Canonical String was\n" + everything(request)

    def escaped(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;")

    return [
        lambda request: sts_error(403, "SignatureDoesNotMatch", escaped(later_lines(request))),
        lambda request: sts_error(403, "SignatureDoesNotMatch", escaped(first_line(request))),
        lambda request: sts_error(403, "AccessDenied", escaped(first_line(request))),
        lambda request: sts_error(403, request.headers["x-amz-security-token"], "no"),
        lambda request: Answer(500, {}, everything(request).encode()),
        lambda request: Answer(200, {}, everything(request).encode()),
        lambda request: sts_answer("ASIA", f"{TOKEN} {SECRET}", TOKEN),
        lambda request: sts_answer(f"{TOKEN}/", SECRET, TOKEN),
        lambda request: Answer(307, {"location": f"http://127.0.0.1/?{request.headers['x-amz-security-token']}"}),
    ]


@pytest.mark.parametrize("answer", echoes(), ids=range(len(echoes())))
def test_an_sts_that_echoes(answer: Callable[[Request], Answer]) -> None:
    with serve(answer) as sts, pytest.raises(xacct_sign.XacctSignError) as caught:
        fake_role(sts, base=MARKED, external_id=EXTERNAL_ID).credentials()
    assert_silent(*outputs(caught.value))


def test_an_api_that_echoes() -> None:
    with serve(lambda request: Answer(403, {"x-echo": request.headers["x-amz-security-token"]}, TOKEN.encode())) as api:
        response = xacct_sign.Session(credentials=MARKED, region=REGION).get(api.url + f"/?key={SECRET}")
        with pytest.raises(xacct_sign.HttpStatusError) as caught:
            response.raise_for_status()
    # The answer itself is the user's; only what we say of it must be silent.
    assert_silent(repr(response), *outputs(caught.value))


@pytest.mark.parametrize("timeout", [0.001, 5])
def test_transport_errors(timeout: float) -> None:
    def break_off(_: Request) -> Answer:
        raise ConnectionAbortedError

    session = xacct_sign.Session(credentials=MARKED, region=REGION, timeout=timeout)
    with serve(break_off) as api, pytest.raises(xacct_sign.TransportError) as caught:
        session.get(api.url + f"/?key={SECRET}")
    assert_silent(*outputs(caught.value))


def test_requests_adapter_errors() -> None:
    prepared = requests.Request("PUT", "https://api.example.com/").prepare()
    prepared.body = {"a": SECRET}  # type: ignore[assignment]
    with pytest.raises(xacct_sign.ValidationError) as caught:
        SigV4Auth(credentials=MARKED, region=REGION)(prepared)
    assert_silent(*outputs(caught.value))


def secrets_of(ready: dict[str, Any]) -> list[str]:
    held = [each["credentials"] for each in (*ready["callers"], ready["outsider"])]
    return [each[name] for each in held for name in ("secret_access_key", "session_token")]


def test_the_emulators_log(start_emulator: Callable[..., Emulator]) -> None:
    emulator = start_emulator("--explain", manifest=PARTNER)
    base = emulator.base()
    role = emulator.assume_role(policy='{"Version":"2012-10-17","Statement":[]}')
    issued = emulator.assume_role().credentials()
    url = emulator.url("/hoge")
    answers = [emulator.session().put("/hoge", json={"a": "b"})]
    attempts = [
        role.credentials,
        emulator.assume_role("partner", external_id=EXTERNAL_ID).credentials,
        emulator.assume_role(base=MARKED).credentials,
        emulator.assume_role(base=xacct_sign.Credentials(base.access_key_id, SECRET, base.session_token)).credentials,
        emulator.assume_role(
            base=xacct_sign.Credentials(base.access_key_id, base.secret_access_key, TOKEN)
        ).credentials,
    ]
    shown_errors: list[str] = []
    for attempt in attempts:
        try:
            attempt()
        except xacct_sign.StsError as error:
            assert_silent(*outputs(error))
            shown_errors += outputs(error)
    for credentials in (
        issued,
        MARKED,
        xacct_sign.Credentials(issued.access_key_id, SECRET, issued.session_token),
        xacct_sign.Credentials(issued.access_key_id, issued.secret_access_key, TOKEN),
    ):
        session = xacct_sign.Session(credentials=credentials, region=REGION)
        answers.append(session.get(url + "?key=value", headers={"x-key": "value"}))
        presigned = xacct_sign.Signer(credentials, REGION).presign("GET", url)
        answers.append(plain_get(presigned))
        answers.append(plain_get(presigned[:-4] + "0000"))
        answers.append(plain_get(url, {"authorization": f"Bearer {TOKEN}", "x-amz-security-token": TOKEN}))
    log = emulator.log()
    assert log.count("\n") > 15
    assert " 403 " in log
    assert "canonical request" in log
    shown = [value for answer in answers for value in answer.headers.values()]
    for text in (log, *shown, *shown_errors):
        for secret in (
            SECRET,
            TOKEN,
            issued.session_token or "",
            issued.secret_access_key,
            *secrets_of(emulator.ready),
        ):
            assert secret not in text
            assert requests.utils.quote(secret, safe="") not in text


def plain_get(url: str, headers: dict[str, str] | None = None) -> requests.Response:
    return requests.get(url, headers=headers, timeout=10)
