"""The world of tests/attacks.toml in Python: its keys, tokens and proofs, issuers and STS on loopback."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import tomllib
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from emulator import REPOSITORY

AUDIENCE = "https://api.example.com"
SHOP, PARTNER, OPS = (
    f"https://{each}.tokens.sts.global.api.aws"
    for each in (
        "a103a2cc-0000-4000-8000-000000000000",
        "b203b2cc-0000-4000-8000-000000000000",
        "d403d2cc-0000-4000-8000-000000000000",
    )
)
STS_CLAIMS = "https://sts.amazonaws.com/"
KEY, SECRET, TOKEN = (
    "ASIASHOPPROD00000001",
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "IQoJb3JpZ2luX2VjEA+/0123456789==",
)
KEYS: dict[str, dict[str, str]] = json.loads((REPOSITORY / "tests" / "identity" / "keys.json").read_text())
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi"}
_ORDER = bytes.fromhex("ff" * 24 + "c7634d81f4372ddf581a0db248b0a77aecec196accc52973")
_XMLNS = "https://sts.amazonaws.com/doc/2011-06-15/"
_ELSEWHERE = "/elsewhere"


def table() -> str:
    """The table's text."""
    return (REPOSITORY / "tests" / "attacks.toml").read_text()


def encode(data: bytes | str) -> str:
    """Base64url without padding."""
    data = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """What base64url without padding stands for."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(key: dict[str, str], member: str) -> int:
    """A number of a JWK."""
    return int.from_bytes(decode(key[member]), "big")


def public(name: str) -> dict[str, str]:
    """A key as an issuer publishes it."""
    return {member: value for member, value in KEYS[name].items() if member not in _PRIVATE}


def key_set(*names: str) -> bytes:
    """A set of keys."""
    return json.dumps({"keys": [public(name) for name in names]}).encode()


def sign(algorithm: str, name: str, message: bytes) -> bytes:
    """A signature in the form of JWTs, by the library `cryptography`."""
    key = KEYS[name]
    if algorithm == "none":
        return b""
    if algorithm == "HS256":
        return hmac.digest(json.dumps(public(name)).encode(), message, "sha256")
    if algorithm == "RS256":
        numbers = rsa.RSAPrivateNumbers(
            *(number(key, member) for member in ("p", "q", "d", "dp", "dq", "qi")),
            rsa.RSAPublicNumbers(number(key, "e"), number(key, "n")),
        )
        return numbers.private_key().sign(message, padding.PKCS1v15(), hashes.SHA256())
    private = ec.derive_private_key(number(key, "d"), ec.SECP384R1())
    r, s = decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA384())))
    return r.to_bytes(48, "big") + s.to_bytes(48, "big")


def changed(what: str, signature: bytes) -> bytes:
    """A signature, as a row of the table has it changed."""
    r, s = signature[:48], signature[48:]
    integer = lambda half: b"\x02\x31\x00" + half  # noqa: E731
    return {
        "zero": bytes(96),
        "r_zero": bytes(48) + s,
        "s_zero": r + bytes(48),
        "r_order": _ORDER + s,
        "s_order": r + _ORDER,
        "short": signature[:95],
        "long": signature + b"\0",
        "of_another": sign("ES384", "shop_ec", b"another"),
        "der": b"\x30\x66" + integer(r) + integer(s),
    }[what]


def amz_date(offset: int) -> str:
    """An instant as signatures write it."""
    return (datetime.now(timezone.utc) + timedelta(seconds=offset)).strftime("%Y%m%dT%H%M%SZ")


def filled(text: str) -> str:
    """Instants and long texts in place of the words for them."""
    now = int(time.time())
    text = text.replace("@long", "A" * 20_000).replace("@megabyte", "A" * 1_000_000).replace("@blanks", " " * 1_000_000)
    text = re.sub(r'"@now([+-]\d+)"|@now([+-]\d+)', lambda found: str(now + int(found[1] or found[2])), text)
    text = re.sub(r"@text([+-]\d+)", lambda found: str(now + int(found[1])), text)
    return re.sub(r"@date([+-]\d+)", lambda found: amz_date(int(found[1])), text)


def with_keys(text: str) -> str:
    """The members of keys, where a text names them."""
    return re.sub(r"\{(shop_ec|shop_rsa)\.(\w+)\}", lambda found: KEYS[found[1]][found[2]], text)


def merge(into: dict[str, Any], members: dict[str, Any]) -> None:
    """Replaces members; "@absent" takes one out."""
    for name, value in members.items():
        if value == "@absent":
            into.pop(name, None)
        else:
            into[name] = value


def good(issuer: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a good token of shop."""
    now = int(time.time())
    header = {"alg": "ES384", "kid": "EC384_0", "typ": "JWT"}
    claims = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": "arn:aws:iam::000000000000:role/LambdaRoleProd",
        "iat": now - 10,
        "exp": now + 290,
        "jti": "9b1f0000-0000-4000-8000-000000000000",
        STS_CLAIMS: {"aws_account": "000000000000", "org_id": "o-klmnopqrst", "principal_tags": {"team": "shop"}},
    }
    return header, claims


def token_of(header: str, claims: str, algorithm: str = "ES384", key: str = "shop_ec") -> str:
    """A token of these texts."""
    message = f"{encode(header)}.{encode(claims)}"
    return f"{message}.{encode(sign(algorithm, key, message.encode()))}"


def signature_of(headers: dict[str, str], date: str, region: str) -> str:
    """The signature of a proof's request, written down once more: AWS's own description of SigV4."""
    names = sorted(headers)
    body = hashlib.sha256(b"Action=GetCallerIdentity&Version=2011-06-15").hexdigest()
    lines = "".join(f"{name}:{headers[name]}\n" for name in names)
    canonical = f"POST\n/\n\n{lines}\n{';'.join(names)}\n{body}"
    scope = f"{date[:8]}/{region}/sts/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4" + SECRET.encode()
    for part in (date[:8], region, "sts", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def proof_values(region: str = "ap-northeast-1", audience: str = AUDIENCE, offset: int = 0) -> dict[str, Any]:
    """The values of a good proof, made so many seconds from now."""
    date = amz_date(offset)
    headers = {
        "accept": "application/xml",
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "host": f"sts.{region}.amazonaws.com",
        "x-amz-date": date,
        "x-amz-security-token": TOKEN,
        "x-xacct-audience": audience,
    }
    signature = signature_of(headers, date, region)
    return {"region": region, "key": KEY, "date": date, "token": TOKEN, "signature": signature}


def proof_of(text: str) -> str:
    """A proof of this JSON."""
    return f"xacct1.{encode(text)}"


def compact(value: Any) -> str:
    """JSON without white space."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class Loopback:
    """Issuers and STS, on one port."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.fetched: list[str] = []
        # What the issuers publish, and what STS answers, in place of what is usual; no status breaks the connection.
        self.published: bytes | None = None
        self.status = 200
        self.answer: tuple[int, bytes] | None = None

    def issuer(self, name: str) -> str:
        """The URL of an issuer."""
        return f"{self.url}/issuers/{name}"

    def moved(self, text: str) -> str:
        """A text with these issuers in place of AWS's."""
        for name, issuer in (("shop", SHOP), ("partner", PARTNER), ("ops", OPS)):
            text = text.replace(issuer, self.issuer(name))
        return text

    def world(self) -> dict[str, Any]:
        """The table, with issuers on loopback."""
        table_ = tomllib.loads(self.moved(table()))
        table_["world"]["dev_issuers"] = [self.issuer(name) for name in ("shop", "partner", "ops")]
        return table_

    def keys(self, path: str) -> bytes:
        """What an issuer publishes."""
        if self.published is not None:
            return self.published
        return key_set("shop_rsa", "shop_ec") if "/shop/" in path else key_set("partner_ec")

    def sts(self, headers: dict[str, str]) -> tuple[int, bytes]:
        """What STS says to a proof: it knows one key."""
        if self.answer is not None:
            return self.answer
        found = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([\w-]+)/sts/aws4_request, SignedHeaders=([\w;-]+), "
            r"Signature=(\w+)",
            headers["authorization"],
        )
        assert found, headers
        key, _, region, names, signature = found.groups()
        signed = {name: headers[name] for name in names.split(";")}
        right = signature_of(signed, headers["x-amz-date"], region)
        if (key, headers["x-amz-security-token"], signature) == (KEY, TOKEN, right):
            return 200, shop_xml()
        return 403, error_xml("SignatureDoesNotMatch")


def bearer(here: Loopback, **claims: Any) -> str:
    """The header of a good token of shop, but for these claims."""
    header, good_claims = good(here.issuer("shop"))
    return f"Bearer {token_of(compact(header), compact(good_claims | claims))}"


def error_xml(code: str) -> bytes:
    """STS's refusal."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error>"
    return f'<ErrorResponse xmlns="{_XMLNS}">{error}<RequestId>x</RequestId></ErrorResponse>'.encode()


def shop_xml() -> bytes:
    """STS's answer to a proof of shop's."""
    return identity_xml("arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders", "000000000000")


def identity_xml(arn: str, account: str) -> bytes:
    """STS's answer."""
    result = f"<Arn>{arn}</Arn><UserId>AROA:orders</UserId><Account>{account}</Account>"
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<GetCallerIdentityResponse xmlns="{_XMLNS}"><GetCallerIdentityResult>'
        f"{result}</GetCallerIdentityResult><ResponseMetadata><RequestId>x</RequestId></ResponseMetadata>"
        "</GetCallerIdentityResponse>"
    ).encode()


@contextlib.contextmanager
def loopback() -> Iterator[Loopback]:
    """Issuers and STS, as long as they are needed."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            here.fetched.append(self.path)
            # A POST that is redirected may come as a GET.
            if not self.is_elsewhere():
                self.reply(here.status, here.keys(self.path))

        def do_POST(self) -> None:
            here.fetched.append(self.path)
            self.rfile.read(int(self.headers["content-length"]))
            if not self.is_elsewhere():
                self.reply(*here.sts({name.lower(): value for name, value in self.headers.items()}))

        def is_elsewhere(self) -> bool:
            is_elsewhere = self.path.startswith(_ELSEWHERE)
            if is_elsewhere:
                # What would let shop in.
                self.reply(200, key_set("shop_rsa", "shop_ec") if "/issuers/" in self.path else shop_xml())
            return is_elsewhere

        def reply(self, status: int, body: bytes) -> None:
            if not status or body == b"@nothing":
                self.close_connection = True
                return
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("location", _ELSEWHERE + self.path)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = Loopback(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
