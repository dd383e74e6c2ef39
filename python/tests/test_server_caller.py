"""`xacct_sign.server.Caller`: what a check gives, and what the test of a route makes."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import json
import pickle
from typing import Any

import fastapi
import httpx
import pydantic
import pytest
import serving
from xacct_sign.server import Caller, Verifier
from xacct_sign.server.fastapi import CallerDependency

SHOP = Caller(
    name="shop",
    account="000000000000",
    arn="arn:aws:iam::000000000000:role/LambdaRoleProd",
    role="LambdaRoleProd",
    organization="o-klmnopqrst",
    via="token",
)
TOLD = {
    "name": "shop",
    "account": "000000000000",
    "arn": "arn:aws:iam::000000000000:role/LambdaRoleProd",
    "role": "LambdaRoleProd",
    "session": None,
    "organization": "o-klmnopqrst",
    "via": "token",
}


def test_a_caller_that_is_made_is_the_one_that_a_check_gives(here: serving.Loopback, verifier: Verifier) -> None:
    found = verifier.check(serving.bearer(here), "GET", "/items")
    assert type(found) is Caller
    assert found == SHOP
    assert vars(found) == dataclasses.asdict(found) == TOLD
    assert [*vars(found)] == [field.name for field in dataclasses.fields(Caller)]
    assert repr(found) == repr(SHOP)


def test_a_caller_is_a_value(here: serving.Loopback, verifier: Verifier) -> None:
    found = verifier.check(serving.bearer(here), "GET", "/items")
    assert {found, SHOP} == {SHOP}
    for other in (pickle.loads(pickle.dumps(found)), copy.copy(found), copy.deepcopy(found)):
        assert other == found
        assert hash(other) == hash(found)
    assert dataclasses.replace(found, name="partner") != found
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.name = "partner"  # type: ignore[misc]


@pytest.mark.parametrize("lacks", ["name", "arn", "via"])
def test_a_caller_has_a_name_an_arn_and_how_it_came(lacks: str) -> None:
    with pytest.raises(TypeError, match=lacks):
        Caller(**{name: value for name, value in TOLD.items() if name != lacks})  # type: ignore[arg-type]


def test_a_route_of_fastapi_answers_with_its_caller(here: serving.Loopback, verifier: Verifier) -> None:
    app = fastapi.FastAPI()
    of_request = fastapi.Depends(CallerDependency(verifier))

    @app.get("/typed")
    async def typed(caller: Caller = of_request) -> Caller:
        return caller

    @app.get("/bare", response_model=None)
    async def bare(caller: Caller = of_request) -> Any:
        return {"caller": caller}

    async def asked() -> list[Any]:
        headers = {"authorization": serving.bearer(here)}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            answers = [await client.get(path, headers=headers) for path in ("/typed", "/bare")]
            return [(answer.status_code, answer.json()) for answer in answers]

    assert asyncio.run(asked()) == [(200, TOLD), (200, {"caller": TOLD})]
    schema = app.openapi()["components"]["schemas"]["Caller"]
    assert (set(schema["properties"]), set(schema["required"])) == (set(TOLD), {"name", "arn", "via"})


def test_pydantic_writes_and_reads_a_caller() -> None:
    class Job(pydantic.BaseModel):
        caller: Caller

    text = Job(caller=SHOP).model_dump_json()
    assert json.loads(text) == {"caller": TOLD}
    assert Job.model_validate_json(text).caller == SHOP
