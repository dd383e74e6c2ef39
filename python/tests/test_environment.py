"""The environment is `os.environ`, whoever else changes it meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import xacct_sign
from helpers import REGION, not_run

STORM = """
import os, threading
import xacct_sign
from xacct_sign._native import Signing

url = "https://192.0.2.1/"
os.environ.update(AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY="secret", HTTPS_PROXY="http://127.0.0.1:9")
read = threading.Barrier(4)
is_over = False

def use():
    call()
    read.wait()
    while not is_over:
        call()

threads = [threading.Thread(target=use) for _ in range(3)]
for thread in threads:
    thread.start()
read.wait()
# The system's environment grows, and moves.
for _ in range(10):
    for number in range(3000):
        os.environ[f"XACCT_{number}"] = "v" * 40
    for number in range(3000):
        del os.environ[f"XACCT_{number}"]
is_over = True
for thread in threads:
    thread.join()
"""

READERS = {
    "the environment's keys": """
        signing = Signing(xacct_sign.Environment(), "us-east-1", None)
        call = lambda: signing.ready(url)
    """,
    "the default chain": """
        signing = Signing(xacct_sign.DefaultCredentials(), "us-east-1", None)
        call = lambda: signing.ready(url)
    """,
    "a session": """
        def call():
            # A new one reads what it trusts, too.
            keys = xacct_sign.Credentials("AKIDEXAMPLE", "secret")
            session = xacct_sign.Session(region="us-east-1", credentials=keys)
            try:
                session.get(url)
            except xacct_sign.TransportError as error:
                assert "proxy" in str(error), error
    """,
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_variables_are_read_while_another_thread_sets_them(reader: str) -> None:
    head, body = STORM.split("read = threading", 1)
    program = f"{head}{textwrap.dedent(reader)}\nread = threading{body}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


USES = """
import ctypes, os, socket, threading
import xacct_sign

libc = ctypes.CDLL(None)
libc.watch()
broken = socket.create_server(("127.0.0.1", 0))

def breaks():
    while True:
        broken.accept()[0].close()

threading.Thread(target=breaks, daemon=True).start()
here = f"https://127.0.0.1:{broken.getsockname()[1]}/"
session = xacct_sign.Session(region="us-east-1", credentials=xacct_sign.DefaultCredentials())
for url, proxy in [("https://name.invalid/", "http://127.0.0.1:9"), ("https://name.invalid/", ""), (here, "")]:
    os.environ["HTTPS_PROXY"] = proxy
    try:
        session.get(url)
    except xacct_sign.TransportError as error:
        # How it ends is the system's: by an end or by a reset.
        print(error.args[0].split(": ")[0].split(" (")[0])
# Called as C is, and so without it.
libc.getenv(b"IT_IS_WATCHED")
"""


def test_the_systems_environment_is_read_only_while_python_cannot_change_it(tmp_path: Path) -> None:
    if sys.platform != "linux":
        not_run("watched-getenv")
    library = tmp_path / "watched_getenv.so"
    source = Path(__file__).with_name("watched_getenv.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    keys = tmp_path / "keys.py"
    keys.write_text(
        f"print({json.dumps({'Version': 1, 'AccessKeyId': 'AKIDPROGRAM', 'SecretAccessKey': 'secret'})!r})\n"
    )
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = {sys.executable} {keys}\n")
    # Neither a bundle nor keys of the machine's.
    kept = {name: os.environ[name] for name in ["PATH", "HOME"]}
    variables = kept | {"AWS_CONFIG_FILE": str(config), "LD_PRELOAD": str(library)}
    done = subprocess.run([sys.executable, "-c", USES], env=variables, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "the proxy does not connect to `name.invalid`",
        "the host `name.invalid` is not known",
        "no secure connection to `127.0.0.1`",
    ]
    assert (done.returncode, done.stderr) == (0, "IT_IS_WATCHED\n")


def key() -> str:
    return xacct_sign.Signer(xacct_sign.Environment(), REGION).credentials.access_key_id


def test_what_counts_is_os_environ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENVIRON")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    # The system's alone, as Python has it.
    os.putenv("AWS_ACCESS_KEY_ID", "AKIDSYSTEM")
    assert key() == os.environ["AWS_ACCESS_KEY_ID"] == "AKIDENVIRON"
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", {"AWS_ACCESS_KEY_ID": "AKIDREPLACED", "AWS_SECRET_ACCESS_KEY": "secret"})
        assert key() == "AKIDREPLACED"
    assert key() == "AKIDENVIRON"


def test_a_proxy_that_is_no_utf_8_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    session = xacct_sign.Session(region=REGION, credentials=xacct_sign.Credentials("AKIDEXAMPLE", "secret"))
    monkeypatch.setenv("HTTPS_PROXY", "http://\udcff.example")
    with pytest.raises(xacct_sign.ValidationError, match="`HTTPS_PROXY` is no UTF-8"):
        session.get("https://api.example.com/")


def test_a_credential_process_is_given_os_environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import json, os\n"
        "keys = {'AccessKeyId': os.environ['GIVEN'], 'SecretAccessKey': os.environ.get('SYSTEMS', 'none')}\n"
        "print(json.dumps({'Version': 1, **keys}))\n"
    )
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = python {program}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    # It is looked for there, too.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GIVEN", "AKIDGIVEN")
    os.putenv("SYSTEMS", "system")
    try:
        found = xacct_sign.DefaultCredentials().credentials()
    finally:
        os.unsetenv("SYSTEMS")
    assert (found.access_key_id, found.secret_access_key) == ("AKIDGIVEN", "none")
