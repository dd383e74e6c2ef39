"""What a value may be stands twice, in the manifest's schema and in its parser: both take and refuse the same."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomllib
from emulator import cli
from providing import Provider

TOP = """[api]
account = "111111111111"
region = "ap-northeast-1"
[stages.t]
api_id = "t"
"""
ISSUER = "https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws"
Table = Callable[[int, str], str]


def _stage(key: str, beside: str) -> Table:
    return lambda at, value: f"[stages.s{at}]\n{beside.format(at=at)}{key} = {value}\n"


def _caller(line: str) -> Table:
    return lambda at, value: f'[callers.c{at}]\naccount = "{at:012}"\n{line.format(value=value)}\n'


def _organization(at: int, value: str) -> str:
    return f'[callers.c{at}]\nstages = ["t"]\norganization = {value}\n'


def _whole_role(at: int, value: str) -> str:
    arn = json.dumps(f"arn:aws:iam::{at:012}:role/{json.loads(value)}", ensure_ascii=False).replace("\x7f", "\\u007f")
    return f'[callers.c{at}]\naccount = "{at:012}"\ntrust = "account"\nroles = {{ t = {arn} }}\n'


BY_ROLE = 'roles = {{ t = "R" }}\n'
KEYS: dict[str, tuple[Table, list[str]]] = {
    "audience": (_stage("audience", 'target = "server"\n'), ["https://api.example.com", "x"]),
    "url": (_stage("url", 'api_id = "a{at}"\n'), ["https://x.example.com", "https://x.example:8443/v1/%2Fa"]),
    "api_stage": (_stage("api_stage", 'api_id = "a{at}"\n'), ["v1", "$default"]),
    "role_name of a stage": (_stage("role_name", 'api_id = "a{at}"\n'), ["Old"]),
    "function": (_stage("function", 'target = "function_url"\nurl_id = "u{at}"\n'), ["orders"]),
    "alias": (_stage("alias", 'target = "function_url"\nfunction = "f{at}"\nurl_id = "u{at}"\n'), ["live", "7a"]),
    "url_id": (_stage("url_id", 'target = "function_url"\nfunction = "f{at}"\n'), ["abc"]),
    # By account, any role may be meant; by role, a pattern is refused for the sake of another key.
    "roles": (_caller('trust = "account"\nroles = {{ t = {value} }}'), ["R", "a/b/R", "R*", "a/b/R*", "*"]),
    "roles by whole ARNs": (_whole_role, ["R", "a/b/R", "R*"]),
    "external_id": (_caller(BY_ROLE + "external_id = {value}"), ["b3c7"]),
    "session_names": (_caller(BY_ROLE + "session_names = [{value}]"), ["ba*", "b?"]),
    "tags": (_caller(BY_ROLE + "tags = [{value}]"), ["team", "aw"]),
    "source_identity": (_caller(BY_ROLE + "source_identity = [{value}]"), ["ali*", "a?"]),
    "routes": (_caller(BY_ROLE + "routes = [{value}]"), ["GET /items/{id}", "ANY /{proxy+}", "GET /*", "PUT /a/"]),
    "role_name of a caller": (_caller(BY_ROLE + 'routes = ["GET /"]\nrole_name = {value}'), ["Old"]),
    "organization": (_organization, ["o-a1b2c3d4e5"]),
}
POLICY = "arn:aws:iam::111111111111:policy/"
API: dict[str, tuple[Callable[[str], dict[str, Any]], list[str]]] = {
    "path": (lambda value: {"path": value}, ["/", "/a/b/"]),
    "permissions_boundary": (lambda value: {"permissions_boundary": POLICY + value}, ["P", "a/b/P"]),
    "a tag's key": (lambda value: {"tags": {value: "x"}}, ["team", "aw"]),
    "a tag's value": (lambda value: {"tags": {"team": value}}, ["orders"]),
}
SIGNS = [*"aZ0 /\\\"$?#@:*.-_~%{}+=,[]<>|^`'!&;()é\t\x01\x7f", "://", "..", "//", "/./", "u@", "aws:", "%7E", "*@"]
LENGTHS = [n + more for n in (2, 10, 32, 63, 64, 128, 512, 1000, 1224) for more in (-1, 0, 1, 2)]


def _changed(seed: str, choose: random.Random) -> Iterator[str]:
    yield from (seed, "", seed * 2, seed.upper(), seed.lower())
    for sign in SIGNS:
        for at in (0, len(seed) // 2, len(seed), choose.randint(0, len(seed)), choose.randint(0, len(seed))):
            yield seed[:at] + sign + seed[at:]
            yield seed[:at] + sign + seed[at + 1 :]
    for length in LENGTHS:
        yield (seed + "a" * length)[:length]
        yield ("a" * length + seed)[-length:]
    yield from (seed[:at] + seed[at + 1 :] for at in range(len(seed)))


@pytest.mark.parametrize("key", KEYS)
def test_the_schema_takes_the_values_that_the_parser_takes(key: str, tmp_path: Path) -> None:
    table, seeds = KEYS[key]
    choose = random.Random(key)
    values = sorted({value for seed in seeds for value in _changed(seed, choose)})
    text, places = TOP, []
    for at, value in enumerate(values):
        first = text.count("\n") + 1
        text += table(at, json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f"))
        places.append(range(first, text.count("\n") + 1))
    provider = Provider(tmp_path, text)
    found = json.loads(provider.run("check", "--json", code=2))["findings"]
    # What another value has taken already is a mistake, too, and none of this one.
    wrong = {one["line"] for one in found if one["level"] == "error" and not one["code"].startswith("duplicate")}
    validator = jsonschema.Draft7Validator(json.loads(provider.run("schema")))
    refused = {tuple(error.absolute_path)[:2] for error in validator.iter_errors(tomllib.loads(text))}

    def is_refused(at: int) -> tuple[bool, bool]:
        by_schema: Any = refused & {("stages", f"s{at}"), ("callers", f"c{at}")}
        return not wrong.isdisjoint(places[at]), bool(by_schema)

    assert {value: is_refused(at) for at, value in enumerate(values) if len({*is_refused(at)}) > 1} == {}
    # Both kinds are among them.
    assert 0 < len([at for at in range(len(values)) if is_refused(at)[0]]) < len(values)


@pytest.mark.parametrize("key", API)
def test_the_schema_takes_the_values_of_the_api_that_the_parser_takes(key: str, tmp_path: Path) -> None:
    table, seeds = API[key]
    choose = random.Random(key)
    values = sorted({value for seed in seeds for value in _changed(seed, choose)})
    # Each is a manifest of its own.
    values = seeds + choose.sample(values, 200)
    validator = jsonschema.Draft7Validator(json.loads(Provider(tmp_path, TOP).run("schema")))
    refused: dict[str, tuple[bool, bool]] = {}
    for value in values:
        text = "\n".join(f"api.{name} = {_inline(given)}" for name, given in table(value).items()) + "\n"
        text += 'api.account = "111111111111"\napi.region = "ap-northeast-1"\nstages.t.api_id = "t"\n'
        (tmp_path / "xacct.toml").write_text(text)
        done = subprocess.run([cli(), "check"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode in (0, 1, 2), done.stderr
        refused[value] = (done.returncode == 2, not validator.is_valid(tomllib.loads(text)))
    assert {value: both for value, both in refused.items() if len({*both}) > 1} == {}
    assert {by_parser for by_parser, _ in refused.values()} == {False, True}


def _inline(given: Any) -> str:
    if isinstance(given, dict):
        return "{ " + ", ".join(f"{_inline(key)} = {_inline(value)}" for key, value in given.items()) + " }"
    return json.dumps(given, ensure_ascii=False).replace("\x7f", "\\u007f")
