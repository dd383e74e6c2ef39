"""Seconds of one check of who calls, in Python: the rows of the table that are about `xacct_sign.server`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import jwt

sys.path.insert(0, str(Path(__file__).parents[1] / "python" / "harness"))
sys.path.insert(0, str(Path(__file__).parents[1] / "python" / "tests"))

import serving
from xacct_sign.server import Verifier

TOKENS = 300


def tokens(issuer: str, algorithm: str) -> list[str]:
    """Tokens that were never seen."""
    header, claims = serving.good(issuer)
    header |= {"alg": algorithm, "kid": "EC384_0" if algorithm == "ES384" else "RSA_0"}
    key = "shop_ec" if algorithm == "ES384" else "shop_rsa"
    made = (serving.compact(claims | {"jti": str(number)}) for number in range(TOKENS))
    return [serving.token_of(serving.compact(header), text, algorithm, key) for text in made]


def seconds_each(call, values, rounds: int) -> float:
    """The best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        for value in values:
            call(value)
        best = min(best, (time.perf_counter() - start) / len(values))
    return best


def checking() -> dict[str, float]:
    """Ours and PyJWT's, with the issuer's keys at hand; and ours of a token that is known."""
    found = {}
    with serving.loopback() as here:
        world = here.world()["world"]
        for algorithm in ("ES384", "RS256"):
            given = tokens(here.issuer("shop"), algorithm)
            headers = [f"Bearer {token}" for token in given]
            public = serving.public("shop_ec" if algorithm == "ES384" else "shop_rsa")
            key = jwt.PyJWK(public, algorithm).key
            theirs = {"algorithms": [algorithm], "audience": serving.AUDIENCE, "issuer": here.issuer("shop")}
            ours = float("inf")
            for _ in range(10):
                # Each round with one that remembers nothing but the keys.
                verifier = Verifier(world | {"algorithm": algorithm}, development=True)
                verifier.check(headers[0], "GET", "/items")
                ours = min(ours, seconds_each(lambda header: verifier.check(header, "GET", "/items"), headers[1:], 1))  # noqa: B023
            found[f"new_{algorithm}"] = ours
            found[f"pyjwt_{algorithm}"] = seconds_each(lambda token: jwt.decode(token, key, **theirs), given, 10)  # noqa: B023
            found[f"known_{algorithm}"] = seconds_each(
                lambda header: verifier.check(header, "GET", "/items"),  # noqa: B023
                headers,
                20,
            )
    return found


def rows(python: dict[str, float], rust: dict[str, float]) -> list[tuple[str, float, str, float, float]]:
    """As the table has them."""
    made = []
    for algorithm in ("ES384", "RS256"):
        new, known, theirs = (python[f"{what}_{algorithm}"] for what in ("new", "known", "pyjwt"))
        bare = rust[f"bare_{algorithm.lower()}"]
        made.append((f"Python identity {algorithm} / bare signature check", new / bare, "at most 1.2", new, bare))
        made.append((f"Python identity {algorithm}, PyJWT / ours", theirs / new, "", new, theirs))
        what = f"Python identity {algorithm}, new / known"
        made.append((what, new / known, "ours: 10 us", known, new))
    return made
