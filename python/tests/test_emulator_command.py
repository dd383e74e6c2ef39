"""`xacct-sign emulator --as CALLER --stage STAGE -- COMMAND`, and what else E9 asked for, with real peers."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import json
import os
import pty
import re
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
import xacct_sign
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from emulator import DEMO, REPOSITORY, Emulator, cli


def _in_emulator(*command: str) -> list[str]:
    return [str(cli()), "emulator", "--manifest", str(DEMO), "--as", "shop", "--stage", "stag", "--", *command]


def _ran(code: str, **environment: str) -> str:
    """What a program prints that knows nothing but its environment."""
    command = _in_emulator(sys.executable, "-c", code)
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_e9_our_session_needs_nothing_but_the_environment():
    code = """
import os, xacct_sign
api = xacct_sign.Session(os.environ["XACCT_ROLE_ARN"])
answer = api.put(os.environ["XACCT_URL"] + "/hoge", json={"foo": "bar"})
print(answer.status_code, answer.json()["body"])
"""
    assert _ran(code) == '200 {"foo":"bar"}\n'


@pytest.mark.parametrize("foreign", [{}, {"AWS_PROFILE": "mine", "HTTP_PROXY": "http://127.0.0.1:1"}])
def test_e9_boto3_needs_nothing_but_the_environment(foreign: dict[str, str]):
    code = """
import os, boto3
sts = boto3.client("sts")
print(sts.get_caller_identity()["Arn"])
print(sts.assume_role(RoleArn=os.environ["XACCT_ROLE_ARN"], RoleSessionName="s-1")["AssumedRoleUser"]["Arn"])
"""
    assert _ran(code, **foreign).splitlines() == [
        "arn:aws:sts::000000000000:assumed-role/LambdaRoleDeve/shop",
        "arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/s-1",
    ]


def test_e9_the_commands_of_the_page_run(tmp_path: Path):
    page = (REPOSITORY / "docs" / "emulator.md").read_text()
    # One with `--header` is run in test_pages.py.
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.M | re.S)
    command, sourcing, server = [block for block in blocks if "--header" not in block]
    (tmp_path / "xacct.toml").write_text(DEMO.read_text())
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "xacct-sign").symlink_to(cli())
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def shell(script: str) -> str:
        environment = {**os.environ, "PATH": path}
        done = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    said = shell(command)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+ arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag\n", said)
    # The command in the emulator stands for another shell.
    (tmp_path / "other.sh").write_text(f"unset XACCT_URL\n{sourcing}echo $XACCT_URL\n")
    said = shell("xacct-sign emulator --as shop --stage stag --env-file emulator.env -- sh ./other.sh")
    assert said.startswith("http://127.0.0.1:")
    # A caller of a server, with the manifest of the page about it.
    identity = (REPOSITORY / "docs" / "identity.md").read_text()
    (manifest,) = re.findall(r"^```toml\n(# xacct.toml\n.*?)^```$", identity, re.M | re.S)
    (tmp_path / "xacct.toml").write_text(manifest)
    assert json.loads(shell(server))["caller"]["name"] == "shop"
    commands = re.findall(r"^```sh\n(xacct-sign check.*?)^```$", identity, re.M | re.S)
    assert [shell(command) for command in commands] == ["1 stage, 1 caller, 0 roles\n"]
    assert json.loads((tmp_path / "callers.json").read_text())["callers"][0]["name"] == "shop"
    assert "https://api.example.com" in (tmp_path / "note.md").read_text()


def test_e9_ctrl_c_at_a_terminal_reaches_the_command_once():
    # What is typed goes to all processes in the foreground: were it passed on too, there would be two.
    code = """
import signal, sys
count = 0
def caught(*_):
    global count
    count += 1
    print("caught", flush=True)
signal.signal(signal.SIGINT, caught)
signal.signal(signal.SIGUSR1, lambda *_: print("noted", flush=True))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(10 + count))
print("up", flush=True)
while True:
    signal.pause()
"""
    pid, terminal = pty.fork()
    if pid == 0:
        command = _in_emulator(sys.executable, "-c", code)
        os.execv(command[0], command)
    with os.fdopen(terminal, "rb+", buffering=0) as held:
        _until(held, b"up")
        # Two that come at once may be taken for one: one of several rounds tells.
        for _ in range(5):
            held.write(b"\x03")
            _until(held, b"caught")
            # By then the emulator is done with the one before.
            os.kill(pid, signal.SIGUSR1)
            _until(held, b"noted")
        os.kill(pid, signal.SIGTERM)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 15


def _until(terminal: object, word: bytes) -> None:
    seen = b""
    while word not in seen:
        seen += terminal.read(1024)  # type: ignore[attr-defined]


def test_e9_what_was_pasted_stays_right_after_a_restart(start_emulator: Callable[..., Emulator]):
    first = start_emulator()
    base, role_arn = first.base(), first.role_arn()
    session = first.assume_role().credentials()
    assert xacct_sign.Session(credentials=session, region=first.region).get(first.url("/hoge")).status_code == 200
    first.close()
    second = start_emulator()
    role = xacct_sign.AssumeRole(role_arn, region=second.region, base=base, sts_endpoint=second.sts_url)
    assert xacct_sign.Session(role).get(second.url("/hoge")).status_code == 200
    # A session of STS does not survive it.
    assert xacct_sign.Session(credentials=session, region=second.region).get(second.url("/hoge")).status_code == 403


def test_e9_the_file_of_credentials_is_the_one_that_a_caller_reads(
    start_emulator: Callable[..., Emulator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "credentials"
    file.write_text(
        "[shop-deve]\naws_access_key_id = ASIADEVE\naws_secret_access_key = one\naws_session_token = token\n"
        "[shop-prod]\naws_access_key_id = AKIAPROD\naws_secret_access_key = two\n"
    )
    emulator = start_emulator("--host", "0.0.0.0", "--credentials-file", str(file))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    # It listens on all addresses: this one is not among those that it tells.
    url = emulator.sts_url.replace("127.0.0.1", "127.0.0.2")
    for profile, role in [("shop-deve", "LambdaRoleDeve"), ("shop-prod", "LambdaRoleProd")]:
        session = boto3.Session(profile_name=profile, region_name=emulator.region)
        arn = session.client("sts", endpoint_url=url).get_caller_identity()["Arn"]
        assert arn == f"arn:aws:sts::000000000000:assumed-role/{role}/shop"


def test_e9_a_lifetime_has_a_unit(start_emulator: Callable[..., Emulator]):
    role = start_emulator("--credential-lifetime", "15m").assume_role()
    left = role.credentials().expires_at - datetime.datetime.now(datetime.timezone.utc)  # type: ignore[operator]
    assert datetime.timedelta(minutes=10) < left <= datetime.timedelta(minutes=15)


@pytest.fixture
def https_upstream(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The URL of a server on this machine, and the file of the CA that it is trusted by."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)

    def certificate(name: str, issuer: str, is_ca: bool) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key((ca_key if is_ca else key).public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )

    ca = certificate("CA", "CA", True).sign(ca_key, hashes.SHA256())
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = certificate("upstream", "CA", False).add_extension(names, critical=False).sign(ca_key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    chain, ca_file = tmp_path / "upstream.pem", tmp_path / "ca.pem"
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain.write_bytes(private + leaf.public_bytes(pem))
    ca_file.write_bytes(ca.public_bytes(pem))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "7")
            self.end_headers()
            self.wfile.write(b"over tl")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_address[1]}", ca_file
        server.shutdown()


def test_e9_an_upstream_over_tls_is_reached_and_has_to_be_trusted(
    start_emulator: Callable[..., Emulator], https_upstream: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
):
    url, ca_file = https_upstream
    stranger = start_emulator("--upstream", url)
    assert stranger.session().get("/hoge").status_code == 500
    assert "the upstream's certificate is not trusted: name the file of its CA in SSL_CERT_FILE" in stranger.log()
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    assert start_emulator("--upstream", url).session().get("/hoge").content == b"over tl"
