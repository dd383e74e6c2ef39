"""Tokens that PyJWT and joserfc make with new keys: taken as they are, refused where one thing is wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import jwt
import pytest
import serving
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt as jose
from joserfc.jwk import ECKey, RSAKey
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from xacct_sign.server import RefusedError, Verifier

KID = "new-1"
ALGORITHMS = ["ES384", "RS256"]


@cache
def pem(algorithm: str, whose: str) -> bytes:
    """A key that nobody has used before."""
    new: Any = (
        ec.generate_private_key(ec.SECP384R1()) if algorithm == "ES384" else rsa.generate_private_key(65537, 2048)
    )
    made: bytes = new.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made


def pyjwt(algorithm: str, key: bytes, kid: str, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


def joserfc(algorithm: str, key: bytes, kid: str, claims: dict[str, Any]) -> str:
    imported = (ECKey if algorithm == "ES384" else RSAKey).import_key(key)
    return jose.encode({"alg": algorithm, "kid": kid}, claims, imported, algorithms=[algorithm])


def published_by_pyjwt(algorithm: str, key: bytes) -> dict[str, Any]:
    of: Any = ECAlgorithm(ECAlgorithm.SHA384) if algorithm == "ES384" else RSAAlgorithm(RSAAlgorithm.SHA256)
    return dict(of.to_jwk(of.prepare_key(key).public_key(), as_dict=True))


def published_by_joserfc(algorithm: str, key: bytes) -> dict[str, Any]:
    return dict((ECKey if algorithm == "ES384" else RSAKey).import_key(key).as_dict(private=False))


MAKERS: dict[str, tuple[Callable[..., str], Callable[..., dict[str, Any]]]] = {
    "PyJWT": (pyjwt, published_by_pyjwt),
    "joserfc": (joserfc, published_by_joserfc),
}

ORGANIZATION = {"org_id": "o-klmnopqrst"}
# Numbers are seconds from now.
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "aud": ({"aud": "https://other.example.com"}, "audience_refused"),
    "exp": ({"exp": -1}, "token_expired"),
    "exp: longer than is taken": ({"exp": 3600}, "lifetime_refused"),
    "iat": ({"iat": 3000, "exp": 3300}, "token_ahead"),
    "sub": ({"sub": "arn:aws:iam::000000000000:role/Another"}, "caller_unknown"),
    "sub: a user": ({"sub": "arn:aws:iam::000000000000:user/LambdaRoleProd"}, "subject_refused"),
    "iss": ({"iss": "http://127.0.0.1:1/issuers/shop"}, "issuer_unknown"),
    "aws_account": ({serving.STS_CLAIMS: {"aws_account": "222222222222"} | ORGANIZATION}, "account_differs"),
}


class Maker:
    """An issuer whose tokens one library makes, and a verifier that knows its keys."""

    def __init__(self, here: serving.Loopback, library: str, algorithm: str) -> None:
        self._issuer = here.issuer("shop")
        self._algorithm = algorithm
        self._encode, published = MAKERS[library]
        key = published(algorithm, pem(algorithm, "shop")) | {"alg": algorithm, "use": "sig", "kid": KID}
        here.published = json.dumps({"keys": [key]}).encode()
        self.verifier = Verifier(here.world()["world"] | {"algorithm": algorithm}, development=True)

    def token(self, *, kid: str = KID, whose: str = "shop", algorithm: str | None = None, **claims: Any) -> str:
        algorithm, now = algorithm or self._algorithm, int(time.time())
        claims = {name: now + value if isinstance(value, int) else value for name, value in claims.items()}
        return self._encode(algorithm, pem(algorithm, whose), kid, serving.good(self._issuer)[1] | claims)

    def code(self, token: str) -> tuple[str, int]:
        with pytest.raises(RefusedError) as refused:
            self.verifier.check(f"Bearer {token}", "GET", "/items")
        return refused.value.code, refused.value.status

    def name(self, token: str) -> str:
        return self.verifier.check(f"Bearer {token}", "GET", "/items").name


@pytest.fixture(params=ALGORITHMS)
def algorithm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=MAKERS)
def maker(here: serving.Loopback, request: pytest.FixtureRequest, algorithm: str) -> Maker:
    return Maker(here, request.param, algorithm)


@pytest.mark.parametrize("wrong", WRONG)
def test_one_claim_that_is_wrong_is_refused_for_what_it_is(maker: Maker, wrong: str) -> None:
    assert maker.name(maker.token()) == "shop"
    changes, code = WRONG[wrong]
    assert maker.code(maker.token(**changes)) == (code, 401)
    assert maker.name(maker.token(jti="another")) == "shop"


def test_a_wrong_key_id_signature_or_algorithm_is_refused_for_what_it_is(
    here: serving.Loopback, maker: Maker, algorithm: str
) -> None:
    assert maker.name(maker.token()) == "shop"
    assert maker.code(maker.token(kid="another")) == ("key_unknown", 401)
    assert maker.code(maker.token(whose="another")) == ("signature_wrong", 401)
    head, claims, signature = maker.token().split(".")
    assert maker.code(f"{head}.{claims}.{maker.token(jti='another').rsplit('.', 1)[1]}") == ("signature_wrong", 401)
    short = serving.encode(serving.decode(signature)[:-1])
    assert maker.code(f"{head}.{claims}.{short}") == ("signature_malformed", 401)
    (other,) = {*ALGORITHMS} - {algorithm}
    assert maker.code(maker.token(algorithm=other)) == ("algorithm_refused", 401)
    assert len(here.fetched) == 1
