"""`xacct_sign.testing`, the plugin for pytest: in a fresh project with what is packed, and its fixture here."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import boto3
import pytest
import xacct_sign
from emulator import DEMO, FRONTS, PARTNER, cli
from fresh_project import Project, wheel
from xacct_sign.testing import Call, Emulator, _process


@pytest.fixture(scope="module", autouse=True)
def _on_the_path(tmp_path_factory: pytest.TempPathFactory):
    """The command of this build, where the tests here look for it."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "xacct-sign").symlink_to(cli())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        yield


@pytest.fixture
def xacct_manifest() -> Path:
    return PARTNER


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One with both wheels."""
    emulator = wheel("XACCT_SIGN_EMULATOR_WHEEL", "emulator-wheel/*.whl")
    return Project(tmp_path_factory.mktemp("project"), wheel("XACCT_SIGN_WHEEL", "wheel/xacct_sign-*.whl"), emulator)


CALLS = """
import os
import xacct_sign

def order(path, **options):
    role = xacct_sign.AssumeRole(os.environ["XACCT_ROLE_ARN"], **options)
    return xacct_sign.Session(role).put(os.environ["XACCT_URL"] + path, json={})
"""

TESTS = f"""{CALLS}
import pytest
from xacct_sign.testing import Call, Emulator

def test_passes(xacct_emulator: Emulator):
    with xacct_emulator.as_caller("shop", "stag"):
        assert order("/orders/1?now=1").status_code == 200
    assert xacct_emulator.calls == [Call("PUT", "/orders/1", 200, "stag", "shop")]

def test_calls_are_those_of_one_test(xacct_emulator):
    assert xacct_emulator.calls == []

def test_fails_as_it_must(xacct_emulator):
    with xacct_emulator.as_caller("partner", "stag"):
        # The route is none of its own.
        assert order("/orders/1", external_id="b3c7-partner").status_code == 200

def test_unknown_stage(xacct_emulator):
    xacct_emulator.url("stage")

def test_unknown_caller(xacct_emulator):
    xacct_emulator.credentials("shopp", "stag")

@pytest.mark.parametrize("number", range(6))
def test_many(xacct_emulator, number):
    with xacct_emulator.as_caller("shop", "stag"):
        for each in range(20):
            assert order(f"/{{number}}/{{each}}").status_code == 200
    assert [call.path for call in xacct_emulator.calls] == [f"/{{number}}/{{each}}" for each in range(20)]
    with open(os.environ.get("PYTEST_XDIST_WORKER", "alone") + ".url", "a") as file:
        print(xacct_emulator.url("stag"), file=file)
"""


def of_tests(folder: Path, tests: str, manifest: str = PARTNER.read_text()) -> Path:
    (folder / "xacct.toml").write_text(manifest)
    (folder / "tests").mkdir()
    (folder / "tests" / "test_orders.py").write_text(tests)
    return folder


@pytest.mark.parametrize("workers", [(), ("-n", "3")], ids=["one process", "xdist"])
def test_in_a_fresh_project_what_must_fail_does_and_nothing_else(
    project: Project, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    outcomes, said = project.test(of_tests(tmp_path, TESTS), *workers)
    assert outcomes == {
        "test_passes": "passed",
        "test_calls_are_those_of_one_test": "passed",
        "test_fails_as_it_must": "failed",
        "test_unknown_stage": "failed",
        "test_unknown_caller": "failed",
        **{f"test_many[{number}]": "passed" for number in range(6)},
    }, said
    for line in [
        "assert 403 == 200",
        f"manifest: {tmp_path / 'xacct.toml'}\nstag PUT /orders/1 403 not_allowed: the role's policy",
        "the manifest has no stage `stage`; there is `deve`, `prod`, `stag`",
        "the manifest has no caller `shopp`; there is `partner`, `shop`",
    ]:
        assert line in said, said
    # Nothing is written beside the tests.
    urls = {path.name: set(path.read_text().split()) for path in tmp_path.glob("*.url")}
    assert {path.name for path in tmp_path.iterdir()} == {"xacct.toml", "tests"} | set(urls)
    assert [path.name for path in (tmp_path / "tests").iterdir()] == ["test_orders.py"]
    # Each process has one emulator, and none that of another.
    assert all(len(of_one) == 1 for of_one in urls.values()), urls
    assert len(set().union(*urls.values())) == len(urls)
    assert (len(urls) > 1) == bool(workers)


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("[api]\naccount = '1'\n", "error[invalid_account_id]: {file}:2:11: "),
        ("[api\n", "the emulator did not start: error[syntax]: {file}:1:"),
        (None, "there is no xacct.toml beside `{test}`, nor in a folder above it"),
    ],
)
def test_a_manifest_that_is_wrong_or_missing_is_an_error_of_the_test(
    project: Project, tmp_path: Path, manifest: str | None, said: str
) -> None:
    folder = of_tests(tmp_path, "def test_one(xacct_emulator): pass\ndef test_other(): pass\n", manifest or "")
    if manifest is None:
        (folder / "xacct.toml").unlink()
    outcomes, printed = project.test(folder)
    assert outcomes == {"test_one": "error", "test_other": "passed"}
    expected = said.format(file=folder / "xacct.toml", test=folder / "tests" / "test_orders.py")
    assert expected in printed.replace("\nE   ", "\n"), printed
    assert_is_told_alone(printed)


def assert_is_told_alone(printed: str) -> None:
    """Of the plugin's own lines, and of what it calls, a report has none."""
    assert not any(word in printed for word in ("def xacct_", "pathlib", "direct cause")), printed


def test_without_an_emulator_it_is_said_what_to_install(tmp_path: Path) -> None:
    alone = Project(tmp_path, wheel("XACCT_SIGN_WHEEL", "wheel/xacct_sign-*.whl"))
    folder = tmp_path / "alone"
    folder.mkdir()
    outcomes, said = alone.test(of_tests(folder, "def test_one(xacct_emulator): pass\n"))
    assert outcomes == {"test_one": "error"}
    assert "pip install xacct-sign-emulator" in said


WAITS = """
import signal

def test_waits(xacct_emulator, request):
    # After Ctrl-C the emulator is still there for whoever cleans up.
    import urllib.request
    def answers():
        try:
            urllib.request.urlopen(xacct_emulator.url("stag"))
        except urllib.error.HTTPError as refused:
            print("cleaned up", refused.code, flush=True)
    request.addfinalizer(answers)
    print(xacct_emulator.sts_url, xacct_emulator.url("stag"), flush=True)
    while True:
        signal.pause()
"""


MANIFEST_IS_TEXT = """
import pytest

@pytest.fixture
def xacct_manifest():
    with open("xacct.toml") as file:
        return file.read()
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_no_emulator_outlives_pytest_and_no_file_of_its(project: Project, tmp_path: Path, how: signal.Signals) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(
        project.command("-s", "-q"),
        cwd=of_tests(tmp_path, MANIFEST_IS_TEXT + WAITS),
        env=project.environment(TMPDIR=str(temporary)),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    urls = next(line.split() for line in process.stdout if line.startswith("http://"))
    # As a terminal does: to all that are in its foreground.
    os.killpg(process.pid, how)
    said, _ = process.communicate()
    assert ("cleaned up 403" in said) == (how == signal.SIGINT), said
    assert process.returncode != 0
    for url in urls:
        while answers(url):
            pass
    assert list(temporary.iterdir()) == []


def test_ctrl_c_while_an_emulator_starts_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_process, "program", lambda: [sys.executable, "-c", "import time; time.sleep(600)"])
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *words: Any, **how: Any) -> None:
            super().__init__(*words, **how)
            started.append(self)
            signal.setitimer(signal.ITIMER_REAL, 0.5)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    before = set(threading.enumerate())

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            _process.Process(_process.Manifest(DEMO), None)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    (process,) = started
    assert process.poll() is not None
    # What would have ended it is no thread that pytest waits for.
    for thread in set(threading.enumerate()) - before:
        thread.join()


def answers(url: str) -> bool:
    place = urlsplit(url)
    with socket.socket() as client:
        return client.connect_ex((place.hostname, place.port)) == 0


def test_calls_are_what_the_test_sent_to_the_apis_refused_or_not(xacct_emulator: Emulator) -> None:
    url = xacct_emulator.url("stag")
    role = xacct_sign.AssumeRole(
        "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag",
        region="ap-northeast-1",
        base=xacct_emulator.credentials("shop", "stag"),
        sts_endpoint=xacct_emulator.sts_url,
    )
    api = xacct_sign.Session(role, region="ap-northeast-1", base_url=url)
    assert api.get("/a%20b?secret=1").status_code == 200
    # Not signed; signed with another secret; by the caller itself, whom the role's stage does not let in.
    with pytest.raises(OSError, match="403"):
        urlopen(f"{url}/unsigned?q")
    own = xacct_emulator.credentials("shop", "stag")
    forged = xacct_sign.Credentials(own.access_key_id, "another", own.session_token)
    for credentials, path in [(forged, "/forged"), (own, "/own")]:
        session = xacct_sign.Session(credentials=credentials, region="ap-northeast-1")
        assert session.delete(url + path).status_code == 403
    # It may call this stage alone.
    assert api.get("/").status_code == 200
    other = xacct_sign.Session(role, region="ap-northeast-1", base_url=xacct_emulator.url("prod"))
    assert other.get("/elsewhere").status_code == 403
    assert xacct_emulator.calls == [
        Call("GET", "/a%20b", 200, "stag", "shop"),
        Call("GET", "/unsigned", 403, "stag", None),
        Call("DELETE", "/forged", 403, "stag", None),
        Call("DELETE", "/own", 403, "stag", "shop"),
        Call("GET", "/", 200, "stag", "shop"),
        Call("GET", "/elsewhere", 403, "prod", "shop"),
    ]
    codes = [call.reason and call.reason.split(": ")[0] for call in xacct_emulator.calls]
    refused = ["signature_missing", "signature_mismatch", "not_allowed"]
    assert codes == [None, *refused, None, "not_allowed"]


class TestSharedRole:
    @pytest.fixture
    def xacct_manifest(self) -> str:
        return f'{DEMO.read_text()}\n[callers.store]\naccount = "333333333333"\nroles = {{ stag = "Store" }}\n'

    def test_callers_that_share_a_role_are_told_apart(self, xacct_emulator: Emulator) -> None:
        roles = set()
        for caller in ("store", "shop"):
            with xacct_emulator.as_caller(caller, "stag"):
                roles.add(os.environ["XACCT_ROLE_ARN"])
                xacct_sign.Session(os.environ["XACCT_ROLE_ARN"]).put(os.environ["XACCT_URL"] + "/hoge", data=b"")
        assert len(roles) == 1
        assert [call.caller for call in xacct_emulator.calls] == ["store", "shop"]


def given_by_the_command() -> dict[str, str]:
    dump = "import json, os; print(json.dumps(dict(os.environ)))"
    command = [str(cli()), "emulator", "--manifest", str(PARTNER), "--as", "shop", "--stage", "stag", "--"]
    done = subprocess.run([*command, sys.executable, "-c", dump], capture_output=True, text=True, check=True)
    # These are Python's own.
    return {name: value for name, value in json.loads(done.stdout).items() if name not in ("COLUMNS", "LINES")}


def test_a_caller_has_the_environment_that_the_command_gives(
    xacct_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = {
        "AWS_PROFILE": "mine",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
        "AWS_ROLE_ARN": "arn:aws:iam::000000000000:role/Other",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_REGION": "eu-west-1",
        "XACCT_ROLE_ARN": "arn:aws:iam::000000000000:role/Other",
    }
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    given = given_by_the_command()
    before = dict(os.environ)
    with xacct_emulator.as_caller("shop", "stag"):
        here = dict(os.environ)
        assert boto3.Session().client("sts").get_caller_identity()["Arn"].endswith("/LambdaRoleDeve/shop")
    assert dict(os.environ) == before
    places = {"XACCT_URL": xacct_emulator.url("stag"), "AWS_ENDPOINT_URL_STS": xacct_emulator.sts_url}
    assert given.keys() >= places.keys()
    assert here == {**given, **places}


def test_proxies_are_passed_by(project: Project, tmp_path: Path) -> None:
    folder = of_tests(
        tmp_path,
        f"""{CALLS}
import urllib.request
def test_one(xacct_emulator):
    assert os.environ["no_proxy"] == "example.com"
    with xacct_emulator.as_caller("shop", "stag"):
        assert order("/hoge").status_code == 200
        assert urllib.request.proxy_bypass("127.0.0.1")
    assert os.environ["no_proxy"] == "example.com"
""",
    )
    environment = project.environment(http_proxy="http://127.0.0.1:1", no_proxy="example.com")
    done = subprocess.run(project.command(), cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


PROXY = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("set_by_the_test", "within"),
    [
        ({"http_proxy": PROXY}, "127.0.0.1,localhost"),
        ({"HTTP_PROXY": PROXY, "no_proxy": ""}, "127.0.0.1,localhost"),
        ({"all_proxy": PROXY, "no_proxy": "a.example"}, "a.example,127.0.0.1,localhost"),
        ({"ALL_PROXY": PROXY, "NO_PROXY": "b.example"}, "b.example,127.0.0.1,localhost"),
        ({"ALL_PROXY": PROXY, "no_proxy": "", "NO_PROXY": "b.example"}, "b.example,127.0.0.1,localhost"),
        ({"ALL_PROXY": PROXY, "no_proxy": "a.example", "NO_PROXY": "*"}, "a.example,127.0.0.1,localhost"),
        ({"HTTP_PROXY": PROXY, "no_proxy": "*"}, None),
        ({"HTTP_PROXY": PROXY, "no_proxy": "*,a.example"}, "*,a.example,127.0.0.1,localhost"),
        ({"http_proxy": "", "HTTP_PROXY": PROXY}, "127.0.0.1,localhost"),
        ({"http_proxy": "", "no_proxy": "a.example"}, None),
        ({"HTTPS_PROXY": PROXY}, None),
        ({"Http_Proxy": PROXY, "All_Proxy": PROXY}, None),
        ({"no_proxy": "a.example"}, None),
    ],
)
def test_a_proxy_that_came_after_the_emulator_is_passed_by_as_the_command_does_it(
    xacct_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, set_by_the_test: dict[str, str], within: str | None
) -> None:
    for name, value in set_by_the_test.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    names = ("no_proxy", "NO_PROXY")
    expected = {name: within or before.get(name) for name in names}
    with xacct_emulator.as_caller("shop", "stag"):
        assert {name: os.environ.get(name) for name in names} == expected
        role = xacct_sign.AssumeRole(os.environ["XACCT_ROLE_ARN"])
        assert xacct_sign.Session(role).get(os.environ["XACCT_URL"] + "/hoge").status_code == 200
        assert within is None or urllib.request.proxy_bypass("127.0.0.1")
    assert dict(os.environ) == before
    given = given_by_the_command()
    assert {name: given.get(name) for name in names} == expected


def test_callers_nest_and_what_was_there_is_put_back_after_an_exception_too(
    xacct_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)

    def key() -> str | None:
        return os.environ.get("AWS_ACCESS_KEY_ID")

    shop, partner = (xacct_emulator.credentials(name, "stag").access_key_id for name in ("shop", "partner"))
    assert shop != partner
    before = dict(os.environ)
    with xacct_emulator.as_caller("shop", "stag"):
        within = dict(os.environ)
        with contextlib.suppress(ZeroDivisionError), xacct_emulator.as_caller("partner", "stag"):
            assert key() == partner
            raise ZeroDivisionError
        assert dict(os.environ) == within
        assert key() == shop
    assert dict(os.environ) == before


class TestOtherManifest:
    """A fixture of the user's own, in whichever scope."""

    @pytest.fixture(scope="class")
    @classmethod
    def xacct_manifest(cls) -> str:
        return DEMO.read_text()

    def test_a_manifest_may_be_text(self, xacct_emulator: Emulator) -> None:
        with pytest.raises(xacct_sign.ValidationError, match="no caller `partner`; there is `shop`") as caught:
            xacct_emulator.credentials("partner", "stag")
        assert caught.value.code == "unknown_caller"

    def test_it_is_the_same_emulator_in_the_next_test(self, xacct_emulator: Emulator) -> None:
        assert xacct_emulator.calls == []


class TestDirect:
    @pytest.fixture
    def xacct_manifest(self) -> str:
        return str(FRONTS)

    def test_a_caller_without_a_role_is_told_of_none(
        self, xacct_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XACCT_ROLE_ARN", "another")
        with xacct_emulator.as_caller("shop", "urld"):
            assert "XACCT_ROLE_ARN" not in os.environ
            api = xacct_sign.Session(credentials=xacct_sign.Environment(), service=os.environ["XACCT_SERVICE"])
            assert api.get(os.environ["XACCT_URL"] + "/x").status_code == 200
        assert [(call.stage, call.caller) for call in xacct_emulator.calls] == [("urld", "shop")]


def test_a_manifest_that_was_edited_is_read_by_the_next_test(project: Project, tmp_path: Path) -> None:
    tests = """
import pathlib, pytest
FILE = pathlib.Path("xacct.toml")

def test_one(xacct_emulator):
    xacct_emulator.credentials("shop", "stag")
    FILE.write_text(FILE.read_text().replace("[callers.shop]", "[callers.store]"))

def test_other(xacct_emulator):
    xacct_emulator.credentials("store", "stag")
"""
    outcomes, said = project.test(of_tests(tmp_path, tests))
    assert outcomes == {"test_one": "passed", "test_other": "passed"}, said


@pytest.mark.parametrize(
    ("fixture", "value", "said"),
    [
        ("manifest", "None", "the fixture `xacct_manifest` returned NoneType, neither a path"),
        ("manifest", "5", "the fixture `xacct_manifest` returned int, neither a path"),
        ("manifest", "''", "the fixture `xacct_manifest` returned an empty text, neither a path"),
        ("manifest", "'other.toml'", "/other.toml` of the fixture `xacct_manifest`: No such file or directory"),
        ("manifest", "'tests'", "/tests` of the fixture `xacct_manifest`: Is a directory"),
        ("manifest", r"'[api\n'", "error[syntax]: the text that `xacct_manifest` returned:1:5: "),
        ("upstream", "5", "the fixture `xacct_upstream` returned int, neither a URL nor None"),
        ("upstream", "'localhost:3000'", "the fixture `xacct_upstream` returned 'localhost:3000', "),
        ("upstream", "'http://127.0.0.1/?a'", "the upstream `http://127.0.0.1/?a` is not a URL"),
    ],
)
def test_what_a_fixture_must_not_return_is_said(
    project: Project, tmp_path: Path, fixture: str, value: str, said: str
) -> None:
    tests = f"""
import pytest
@pytest.fixture
def xacct_{fixture}():
    return {value}
def test_one(xacct_emulator):
    pass
"""
    outcomes, printed = project.test(of_tests(tmp_path, tests))
    assert outcomes == {"test_one": "error"}
    assert said in printed
    assert_is_told_alone(printed)
    # Nobody of these has typed a command.
    assert "--manifest" not in printed


def test_the_plugin_loads_nothing_that_pytest_has_not_loaded() -> None:
    code = """
import sys, pytest
before = set(sys.modules)
import xacct_sign.testing
print("\\n".join(set(sys.modules) - before))
"""
    new = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {name.partition(".")[0] for name in new} == {"xacct_sign"}
    assert "xacct_sign.testing._process" not in new


def test_callers_that_overlap_are_told_and_leave_nothing_behind(xacct_emulator: Emulator) -> None:
    before = dict(os.environ)
    first, second = xacct_emulator.as_caller("shop", "stag"), xacct_emulator.as_caller("partner", "prod")
    first.__enter__()
    second.__enter__()
    url = os.environ["XACCT_URL"]
    with pytest.raises(xacct_sign.ValidationError) as told:
        first.__exit__(None, None, None)
    assert told.value.code == "as_caller_overlaps"
    # The one that goes on has its own environment.
    assert url == os.environ["XACCT_URL"] == xacct_emulator.url("prod")
    second.__exit__(None, None, None)
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("sleep 300", "it said nothing, for up to 1 s"),
        ("echo hello; sleep 300", "it said b'hello"),
        ("echo '{}'; sleep 300", "it said b'{}"),
        ("exit 0", "it said nothing, and ended with 0"),
        ("echo 'no, thank you' >&2; exit 3", "no, thank you"),
    ],
)
def test_a_program_that_is_no_emulator_is_an_error_that_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    other = tmp_path / "xacct-sign-emulator"
    other.write_text(f"#!/bin/sh\n{script}\n")
    other.chmod(0o755)
    monkeypatch.setattr(_process, "program", lambda: [str(other)])
    monkeypatch.setattr(_process, "_PATIENCE", 1.0)
    with _process.Processes() as processes, pytest.raises(xacct_sign.XacctSignError, match="did not start") as told:
        processes.of(_process.Manifest(PARTNER), None)
    assert said in str(told.value)
    assert told.value.code == "emulator_failed"
    assert script.endswith("exit 3") or f"is `{other}` the emulator? pip install" in str(told.value)


def test_what_an_emulator_warned_of_is_not_told_as_why_it_did_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "xacct-sign-emulator"
    warned = "warning[wildcard_spans_segments]: a wildcard\nhint: none of error[this]\n"
    other.write_text(f"#!/bin/sh\nprintf '{warned}error[syntax]: it\nhint: do\n' >&2; exit 1\n")
    other.chmod(0o755)
    monkeypatch.setattr(_process, "program", lambda: [str(other)])
    with _process.Processes() as processes, pytest.raises(xacct_sign.XacctSignError) as told:
        processes.of(_process.Manifest(PARTNER), None)
    assert (told.value.code, str(told.value)) == ("syntax", "the emulator did not start: error[syntax]: it\nhint: do")


def test_a_manifest_that_is_a_link_to_nowhere_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "xacct.toml").write_text("")
    below = tmp_path / "tests"
    below.mkdir()
    (below / "xacct.toml").symlink_to(tmp_path / "nowhere")
    assert _process.nearest_manifest(below / "test_it.py") == below / "xacct.toml"


def test_a_stage_that_is_no_server_has_no_list_of_callers(xacct_emulator: Emulator) -> None:
    with pytest.raises(xacct_sign.ValidationError, match="the stage `stag` is no server") as told:
        xacct_emulator.callers("stag")
    assert (told.value.code, told.value.hint) == ("invalid_option", 'give a stage with `target = "server"`')
    with pytest.raises(xacct_sign.ValidationError, match="the manifest has no stage `nowhere`"):
        xacct_emulator.callers("nowhere")
