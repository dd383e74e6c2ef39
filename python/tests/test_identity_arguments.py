"""Arguments of tokens and proofs: what cannot work is refused where it is given, with what to give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomllib
import xacct_sign
import xacct_sign.requests
from emulator import REPOSITORY
from helpers import REGION
from xacct_sign import IdentityProof, IdentityToken
from xacct_sign.server import Verifier

AUDIENCE = "https://api.example.com"


@pytest.mark.parametrize(
    "audience",
    ["", "a b", "a\nb", "ü", "a" * 1001, 'a"b', "${aws:username}", "https://user:password@api.example.com"],
)
def test_tokens_proofs_and_servers_have_one_rule_for_audiences(audience: str) -> None:
    """Also the manifest: crates/provider/tests."""
    told = []
    for identity in (IdentityToken, IdentityProof):
        with pytest.raises(xacct_sign.ValidationError) as refused:
            identity(audience, region=REGION)
        assert refused.value.code == "invalid_option"
        assert refused.value.hint is not None
        told.append(str(refused.value).partition(" (")[0])
    assert told[0] == told[1]
    assert "password" not in told[0]
    world = tomllib.loads((REPOSITORY / "tests" / "attacks.toml").read_text())["world"]
    with pytest.raises(xacct_sign.ValidationError) as refused:
        Verifier(world | {"audience": audience})
    assert refused.value.code == "audience_missing"
    assert str(refused.value).startswith(told[0].replace("the audience", "the `audience` of callers.json"))


@pytest.mark.parametrize("seconds", ["x", True, 1.5, 2**70, -1, 2**40, 0])
def test_a_hint_about_seconds_is_that_of_what_they_are_for(seconds: Any) -> None:
    role = "arn:aws:iam::111111111111:role/Api"
    signer = xacct_sign.Signer(xacct_sign.Credentials("A" * 16, "s"), region=REGION)
    makes: list[tuple[Callable[[], Any], str, str]] = [
        (
            lambda: IdentityToken(AUDIENCE, region=REGION, duration_seconds=seconds),
            "invalid_duration",
            "use 60 to 3600 seconds",
        ),
        (
            lambda: xacct_sign.AssumeRole(role, region=REGION, duration_seconds=seconds),
            "invalid_duration",
            "use 900 to 43200 seconds",
        ),
        (
            lambda: signer.presign("GET", "https://api.example.com/", expires_in=seconds),
            "invalid_expires_in",
            "choose 1 to 604800 seconds",
        ),
    ]
    for make, code, hint in makes:
        with pytest.raises(xacct_sign.ValidationError) as refused:
            make()
        assert refused.value.code == code
        assert (refused.value.hint or "").startswith(hint)


@pytest.mark.parametrize("seconds", [-1, 0, 2**40])
def test_a_tokens_seconds_are_told_as_they_were_given(seconds: int) -> None:
    with pytest.raises(xacct_sign.ValidationError, match=f"a token for {seconds} seconds is not to be had"):
        IdentityToken(AUDIENCE, region=REGION, duration_seconds=seconds)


@pytest.mark.parametrize("made", [IdentityToken, IdentityProof])
@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_a_region_that_is_left_out_is_the_environments(
    made: Callable[..., Any], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(xacct_sign.ValidationError) as refused:
        made(AUDIENCE)
    assert (refused.value.code, refused.value.hint) == (
        "invalid_region",
        "give a region, such as `ap-northeast-1`, or set AWS_REGION",
    )
    monkeypatch.setenv(variable, "eu-west-1")
    assert made(AUDIENCE).region == made(AUDIENCE, region=None).region == "eu-west-1"
    assert made(AUDIENCE, region=REGION).region == REGION


@pytest.mark.parametrize("made", [IdentityToken, IdentityProof])
def test_a_region_that_is_left_out_is_the_bases_then_the_environments_then_the_profiles(
    made: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\nregion = eu-north-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    role = "arn:aws:iam::111111111111:role/Api"
    placed = xacct_sign.AssumeRole(role, region="eu-central-1")
    unplaced = xacct_sign.AssumeRole(role)
    assert made(AUDIENCE).region == made(AUDIENCE, base=unplaced).region == "eu-north-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert made(AUDIENCE).region == made(AUDIENCE, base=unplaced).region == "eu-west-1"
    assert made(AUDIENCE, base=placed).region == "eu-central-1"
    assert made(AUDIENCE, region=REGION, base=placed).region == REGION


@pytest.mark.parametrize("made", [IdentityToken, IdentityProof])
@pytest.mark.parametrize("variable", [None, "AWS_REGION"])
def test_what_is_no_region_of_awss_is_refused_when_it_is_made(
    made: Callable[..., Any], variable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"region": "tokyo"}
    if variable is not None:
        monkeypatch.setenv(variable, given.pop("region"))
    with pytest.raises(xacct_sign.ValidationError, match="`tokyo` is no region of AWS's") as refused:
        made(AUDIENCE, **given)
    assert (refused.value.code, (refused.value.hint or "")[:15]) == ("invalid_region", "give the region")


@pytest.mark.parametrize("region", ["", "AP-NORTHEAST-1", 1])
def test_the_hint_for_a_region_that_is_no_name_speaks_of_no_api(region: Any) -> None:
    """An identity has none."""
    credentials = xacct_sign.Credentials("AKIDEXAMPLE", "secret")
    for make in (
        lambda: IdentityToken(AUDIENCE, region=region),
        lambda: IdentityProof(AUDIENCE, region=region),
        lambda: xacct_sign.Signer(credentials, region),
    ):
        with pytest.raises(xacct_sign.ValidationError) as refused:
            make()
        assert (refused.value.code, refused.value.hint) == (
            "invalid_region",
            "give a region's name, such as `ap-northeast-1`",
        )


@pytest.mark.parametrize("made", [IdentityToken, IdentityProof])
@pytest.mark.parametrize("arguments", [{"audience": None}, {"audience": b"x"}, {"audience": "\ud800"}])
def test_an_argument_of_another_type_is_told_with_what_to_give(
    made: Callable[..., Any], arguments: dict[str, Any]
) -> None:
    given = {"audience": AUDIENCE, "region": REGION} | arguments
    with pytest.raises(xacct_sign.ValidationError) as refused:
        made(given.pop("audience"), **given)
    assert (refused.value.hint or "").startswith("give ")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"audience": 1}, "invalid_option"),
        ({"audience": None}, "invalid_option"),
        ({"region": "us-east-1/x"}, "invalid_region"),
        ({"region": None}, "invalid_region"),
        ({"duration_seconds": 59}, "invalid_duration"),
        ({"duration_seconds": 3601}, "invalid_duration"),
        ({"duration_seconds": -1}, "invalid_duration"),
        ({"duration_seconds": 2**40}, "invalid_duration"),
        ({"duration_seconds": "60"}, "invalid_duration"),
        ({"algorithm": "HS256"}, "invalid_option"),
        ({"algorithm": None}, "invalid_option"),
        ({"base": "AKIDEXAMPLE"}, "invalid_credentials"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], code: str) -> None:
    given = {"audience": AUDIENCE, "region": REGION} | arguments
    with pytest.raises(xacct_sign.ValidationError) as refused:
        IdentityToken(given.pop("audience"), **given)
    assert refused.value.code == code
    assert refused.value.hint


@pytest.mark.parametrize(
    "credentials",
    [
        ("A" * 16, "secret"),
        ("A" * 16, "secret", "t" * 8000),
    ],
)
def test_what_no_proof_can_hold_is_refused(credentials: tuple[str, ...]) -> None:
    identity = IdentityProof(AUDIENCE, region=REGION, base=xacct_sign.Credentials(*credentials))
    with pytest.raises(xacct_sign.ValidationError) as refused:
        identity.proof()
    assert refused.value.code == "invalid_credentials"
    assert "secret" not in str(refused.value)
