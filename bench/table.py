"""One table from one run, ratios first: `python bench/table.py RUST.json NODE.json`.

What is timed: one PUT with a JSON body of 14 bytes and a session token of 320 characters.

- Rust, `Signer::sign_parts`: the call under every face, from borrowed parts to the headers to add.
- Rust, `Signer::sign` and `aws_sigv4::http_request::sign` + `apply_to_request_http1x`: each with building the
  `http::Request` from the same parts.
- Rust, hashing: SHA-256 of the body and of the canonical request, HMAC of the string to sign with a keyed state.
- Rust, identity: a token of 900 characters checked with the issuer's keys at hand, against ring's bare check of the
  same signature; and a token or a proof that was checked before. Routes are looked at each time.
- Python: `Signer.sign(...)`; botocore `SigV4Auth.add_auth(AWSRequest(...))`; requests-aws4auth in
  `Request(...).prepare()`; awscrt `aws_sign_request(HttpRequest(...)).result()`; signer, auth object and configuration
  made once, for each alike.
- Python, identity: `Verifier.check` of a new token with the issuer's keys at hand, against ring's bare check in the
  wheel, which is Rust's row, and PyJWT's `decode` with the key; and of a token that was checked before.
- Node: `Signer.sign`; `aws4.sign`; aws4fetch's `AwsV4Signer.sign`, which makes no `Request`; @smithy/signature-v4's
  `sign` with a node:crypto hash; each from the same parts. Hashing: the same two SHA-256s and one HMAC by node:crypto.
  Import: a new Node that imports, less one that does nothing. Medians of turns.
- Node, identity: a new token with the issuer's keys at hand, against WebCrypto's bare check of the same signature, and
  jose's `jwtVerify` with a local set of keys; and a token that was checked before.
- Start: a new interpreter from its start to the answer of its first signed call on the emulator, against boto3
  `assume_role` + requests + requests-aws4auth; over http, and over https with a CA file (`AWS_CA_BUNDLE`,
  `REQUESTS_CA_BUNDLE`). Import: a new interpreter that imports, less one that does nothing.
- Command: `xacct-sign call`, `curl --aws-sigv4` and awscurl with credentials of the role, each from its start to the
  answer of the same PUT; and `xacct-sign call --role`, which assumes the role first, against the same without.

- Access map: from the start of the navigation until the page has loaded in headless Chromium, where there is one.

Contenders take turns in batches; each one's best counts, since what else the machine does only adds time.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from io import BytesIO
from pathlib import Path

import awscrt.auth
import awscrt.http
import requests
import xacct_sign
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from requests_aws4auth import AWS4Auth

sys.path.insert(0, str(Path(__file__).parents[1] / "python" / "harness"))

import checking
from emulator import Emulator, cli

URL = "https://server.stag.foo.example.com/hoge"
BODY = b'{"foo": "bar"}'
HEADERS = {"content-type": "application/json"}
REGION = "ap-northeast-1"
KEY, SECRET, TOKEN = (
    "ASIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    ("IQoJb3JpZ2luX2VjE" * 19)[:320],
)

OURS = """
import xacct_sign, sys
sts, role, url = sys.argv[1:]
api = xacct_sign.Session(xacct_sign.AssumeRole(role, region="ap-northeast-1", sts_endpoint=sts))
assert api.put(url, json={"foo": "bar"}).status_code == 200
"""
THEIRS = """
import boto3, requests, sys
from requests_aws4auth import AWS4Auth
sts, role, url = sys.argv[1:]
c = boto3.client("sts", region_name="ap-northeast-1", endpoint_url=sts).assume_role(
    RoleArn=role, RoleSessionName="bench")["Credentials"]
auth = AWS4Auth(c["AccessKeyId"], c["SecretAccessKey"], "ap-northeast-1", "execute-api",
                session_token=c["SessionToken"])
assert requests.put(url, json={"foo": "bar"}, auth=auth).status_code == 200
"""


def best(contenders, batch, rounds):
    """Each contender's best batch, in seconds a call."""
    times = dict.fromkeys(contenders, float("inf"))
    for _ in range(rounds):
        for name, call in contenders.items():
            start = time.perf_counter()
            for _ in range(batch):
                call()
            times[name] = min(times[name], (time.perf_counter() - start) / batch)
    return times


def signing():
    """Seconds a signature."""
    ours = xacct_sign.Signer(xacct_sign.Credentials(KEY, SECRET, TOKEN), REGION)
    boto = SigV4Auth(Credentials(KEY, SECRET, TOKEN), "execute-api", REGION)
    aws4 = AWS4Auth(KEY, SECRET, REGION, "execute-api", session_token=TOKEN)
    config = awscrt.auth.AwsSigningConfig(
        algorithm=awscrt.auth.AwsSigningAlgorithm.V4,
        signature_type=awscrt.auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=awscrt.auth.AwsCredentialsProvider.new_static(KEY, SECRET, TOKEN),
        region=REGION,
        service="execute-api",
    )

    def crt():
        headers = awscrt.http.HttpHeaders([("host", "server.stag.foo.example.com"), *HEADERS.items()])
        request = awscrt.http.HttpRequest("PUT", "/hoge", headers, BytesIO(BODY))
        return awscrt.auth.aws_sign_request(request, config).result()

    return best(
        {
            "xacct_sign": lambda: ours.sign("PUT", URL, HEADERS, BODY),
            "botocore": lambda: boto.add_auth(AWSRequest("PUT", URL, dict(HEADERS), BODY)),
            "requests-aws4auth": lambda: requests.Request("PUT", URL, HEADERS, data=BODY, auth=aws4).prepare(),
            "awscrt": crt,
        },
        batch=200,
        rounds=40,
    )


def interpreters(commands, rounds, env):
    """Seconds of a new interpreter for each."""

    return programs({name: ([sys.executable, "-c", *words], env) for name, words in commands.items()}, rounds)


def programs(commands, rounds):
    """Seconds from start to end for each, in an environment of its own."""

    def run(words, env):
        return lambda: subprocess.run(words, check=True, env=env, stdout=subprocess.DEVNULL)

    return best({name: run(*command) for name, command in commands.items()}, batch=1, rounds=rounds)


def command_lines():
    """Seconds of one signed call for each command."""
    with Emulator() as emulator:
        keys = emulator.assume_role().credentials()
        url, body = emulator.url() + "/hoge", BODY.decode()
        ours = [str(cli()), "call", "--fail", "--region", REGION, "-X", "PUT", "--json", body]
        token = keys.session_token or ""
        curl = ["curl", "-sf", "--aws-sigv4", f"aws:amz:{REGION}:execute-api", "-X", "PUT", "--json", body]
        curl += ["--user", f"{keys.access_key_id}:{keys.secret_access_key}", "-H", f"x-amz-security-token: {token}"]
        awscurl = [str(Path(sys.executable).parent / "awscurl"), "--service", "execute-api", "--region", REGION]
        awscurl += ["-X", "PUT", "-d", body, "-H", "content-type: application/json"]
        role = {"PATH": os.environ["PATH"], "HOME": os.devnull, "AWS_ENDPOINT_URL_STS": emulator.sts_url}
        own = role | {
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            "AWS_SESSION_TOKEN": token,
        }
        assuming = [*ours, "--no-cache", "--role", emulator.role_arn(), url]
        return programs(
            {
                "ours": ([*ours, url], own),
                "curl": ([*curl, url], own),
                "awscurl": ([*awscurl, url], own),
                "assuming": (assuming, role | emulator.environment()),
            },
            20,
        )


def certificate(folder):
    """A CA file and a context for a TLS server on loopback."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.timezone.utc)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, private = Path(folder, "ca.pem"), Path(folder, "key.pem")
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return str(pem), context


def terminate_tls(context, url):
    """A TLS port in front of a plain one; its URL."""
    target = int(url.rsplit(":", 1)[1])
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve(plain):
        try:
            secure = context.wrap_socket(plain, server_side=True)
        except OSError:
            return
        upstream = socket.create_connection(("127.0.0.1", target))
        threading.Thread(target=pump, args=(upstream, secure), daemon=True).start()
        pump(secure, upstream)

    def accept():
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return f"https://127.0.0.1:{listener.getsockname()[1]}"


def starting():
    """Seconds from start to the first signed call, and to have imported."""
    dropped = ("AWS_", "REQUESTS_", "SSL_CERT", "CURL_")
    env = {k: v for k, v in os.environ.items() if not k.startswith(dropped) and "proxy" not in k.lower()}
    with Emulator() as emulator:
        env |= emulator.environment()
        sts, url = emulator.sts_url, emulator.url()

        def calls(sts, url, env):
            arguments = [sts, emulator.role_arn(), url + "/hoge"]
            return interpreters({"ours": [OURS, *arguments], "theirs": [THEIRS, *arguments]}, 12, env)

        with tempfile.TemporaryDirectory() as folder:
            bundle, context = certificate(folder)
            secure = env | {"AWS_CA_BUNDLE": bundle, "REQUESTS_CA_BUNDLE": bundle}
            over_http = calls(sts, url, env)
            over_https = calls(terminate_tls(context, sts), terminate_tls(context, url), secure)
    imports = interpreters(
        {"nothing": ["pass"], "ours": ["import xacct_sign"], "theirs": ["import boto3, requests, requests_aws4auth"]},
        25,
        env,
    )
    return over_http, over_https, imports


def node_rows(node):
    """What Node measured, as rows of the table."""

    def row(what, ours, other, budget=""):
        return what, node[other] / node[ours], budget, node[ours], node[other]

    return [
        row("Node aws4 / sign", "ours", "aws4", "at least 2"),
        row("Node @smithy/signature-v4 / sign", "ours", "smithy", "at least 5"),
        row("Node aws4fetch / sign", "ours", "aws4fetch", "at least 20"),
        row("Node hashing alone / sign", "ours", "hashing"),
        *(each for algorithm in ("ES384", "RS256") for each in node_identity_rows(node, row, algorithm)),
        row("Node import, aws4 / ours", "import_ours", "import_aws4", "ours: 10 ms"),
        row("Node import, @smithy/signature-v4 / ours", "import_ours", "import_smithy"),
        row("Node import / import and first signature", "first_ours", "import_ours"),
        *([row("Access map of 2 callers / of 10,000", "map", "map_small", "ours: 2 s")] if "map" in node else []),
    ]


def node_identity_rows(node, row, algorithm):
    """What checks of who calls take in Node."""
    ours, bare, jose, known = (f"identity{what}_{algorithm}" for what in ("", "_bare", "_jose", "_cached"))
    return [
        (
            f"Node identity {algorithm} / bare signature check",
            node[ours] / node[bare],
            "at most 1.2",
            node[ours],
            node[bare],
        ),
        row(f"Node identity {algorithm}, jose / ours", ours, jose),
        row(f"Node identity {algorithm}, bare / a token that is known", known, bare, "ours: 10 us"),
    ]


def identity_rows(rust):
    """What the checks of who calls take, as rows of the table."""
    cached = [("ES384", "es384_cached"), ("RS256", "rs256_cached"), ("proof", "proof_cached")]
    return [
        *(
            (
                f"Rust identity, {name.upper()} / bare signature check",
                rust[f"identity_{name}"] / rust[f"bare_{name}"],
                "at most 1.2",
                rust[f"identity_{name}"],
                rust[f"bare_{name}"],
            )
            for name in ("es384", "rs256")
        ),
        *(
            (
                f"Rust identity, {what} that is known / bare ES384",
                rust[f"identity_{name}"] / rust["bare_es384"],
                "ours: 5 us",
                rust[f"identity_{name}"],
                rust["bare_es384"],
            )
            for what, name in cached
        ),
    ]


def main():
    """Prints the table."""
    rust, node = (json.loads(Path(file).read_text()) for file in sys.argv[1:])
    python = signing()
    who = checking.checking()
    http, https, imports = starting()
    lines = command_lines()
    bare = imports["nothing"]
    us = python["xacct_sign"]
    rows = [
        (
            "Rust sign_parts / hashing alone",
            rust["sign_parts"] / rust["hashing"],
            "at most 2",
            rust["sign_parts"],
            rust["hashing"],
        ),
        (
            "Rust aws-sigv4 / sign, requests built",
            rust["aws_sigv4"] / rust["sign_http"],
            "at least 4",
            rust["sign_http"],
            rust["aws_sigv4"],
        ),
        *identity_rows(rust),
        ("Python botocore / sign", python["botocore"] / us, "at least 30", us, python["botocore"]),
        ("Python awscrt / sign", python["awscrt"] / us, "at least 5", us, python["awscrt"]),
        ("Python requests-aws4auth / sign", python["requests-aws4auth"] / us, "", us, python["requests-aws4auth"]),
        (
            "Python first call over http, boto3 / ours",
            http["theirs"] / http["ours"],
            "at least 15",
            http["ours"],
            http["theirs"],
        ),
        (
            "Python first call over https, boto3 / ours",
            https["theirs"] / https["ours"],
            "at least 15",
            https["ours"],
            https["theirs"],
        ),
        (
            "Python import, boto3 / ours",
            (imports["theirs"] - bare) / (imports["ours"] - bare),
            "ours: 3 ms",
            imports["ours"] - bare,
            imports["theirs"] - bare,
        ),
        *checking.rows(who, rust),
        ("Command curl --aws-sigv4 / call", lines["curl"] / lines["ours"], "", lines["ours"], lines["curl"]),
        ("Command awscurl / call", lines["awscurl"] / lines["ours"], "", lines["ours"], lines["awscurl"]),
        ("Command call / call --role", lines["ours"] / lines["assuming"], "", lines["assuming"], lines["ours"]),
        *node_rows(node),
    ]

    def shown(seconds):
        return f"{seconds * 1e6:.2f} us" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"

    print(f"{'what':46}{'ratio':>8}  {'budget':14}{'ours':>10}{'other':>12}")
    for what, ratio, budget, ours, other in rows:
        print(f"{what:46}{ratio:8.2f}  {budget:14}{shown(ours):>10}{shown(other):>12}")
    print(__doc__.split("\n\n", 1)[1])


if __name__ == "__main__":
    main()
