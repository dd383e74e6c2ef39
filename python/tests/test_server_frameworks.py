"""Frameworks with the check, as docs/identity.md has it: where Django and Quart have the caller, HEAD, and CORS."""

from __future__ import annotations

import asyncio
from typing import Any

import django.conf
import django.http
import django.urls
import fastapi
import httpx
import pytest
import quart
import serving
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from fastapi.middleware.cors import CORSMiddleware
from xacct_sign.server import Verifier
from xacct_sign.server.asgi import CallerMiddleware as Asgi
from xacct_sign.server.wsgi import CallerMiddleware as Wsgi

ORIGIN = "https://page.example.com"
SHOP = [(200, "shop"), (401, "")]


@pytest.fixture(scope="module")
def _django() -> None:
    """A site with a page that says who calls, and from where it knows."""

    def who(request: Any) -> django.http.HttpResponse:
        is_asgi = hasattr(request, "scope")
        caller = request.scope["state"]["caller"] if is_asgi else request.META["xacct_sign.caller"]
        return django.http.HttpResponse(caller.name)

    urls = type("urls", (), {"urlpatterns": [django.urls.path("items", who)]})
    django.conf.settings.configure(ROOT_URLCONF=urls, ALLOWED_HOSTS=["*"], SECRET_KEY="x")


def asked(app: Any, *requests: tuple[str, str, dict[str, str]]) -> list[httpx.Response]:
    """Answers of an application by ASGI."""

    async def all_() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return [await client.request(method, path, headers=headers) for method, path, headers in requests]

    return asyncio.run(all_())


def told(app: Any, here: serving.Loopback) -> list[tuple[int, str]]:
    """What a caller is told, and somebody who is none."""
    answers = asked(app, ("GET", "/items", {"authorization": serving.bearer(here)}), ("GET", "/items", {}))
    return [(answer.status_code, answer.text) for answer in answers]


@pytest.mark.usefixtures("_django")
def test_django_by_asgi(here: serving.Loopback, verifier: Verifier) -> None:
    assert told(Asgi(get_asgi_application(), verifier), here) == SHOP


@pytest.mark.usefixtures("_django")
def test_django_by_wsgi(here: serving.Loopback, verifier: Verifier) -> None:
    transport = httpx.WSGITransport(Wsgi(get_wsgi_application(), verifier))
    with httpx.Client(transport=transport, base_url="http://here") as client:
        given: list[dict[str, str]] = [{"authorization": serving.bearer(here)}, {}]
        answers = [client.get("/items", headers=headers) for headers in given]
    assert [(answer.status_code, answer.text) for answer in answers] == SHOP


def test_quart(here: serving.Loopback, verifier: Verifier) -> None:
    app = quart.Quart("api")

    @app.get("/items")
    async def who() -> str:
        return str(quart.request.scope["state"]["caller"].name)  # type: ignore[typeddict-item]

    app.asgi_app = Asgi(app.asgi_app, verifier)  # type: ignore[method-assign, assignment]
    assert told(app, here) == SHOP


@pytest.mark.parametrize("is_outside", [True, False])
def test_cors_goes_outside_of_the_check(here: serving.Loopback, verifier: Verifier, is_outside: bool) -> None:
    app = fastapi.FastAPI()
    app.add_api_route("/items", lambda: "items")

    def cors() -> None:
        app.add_middleware(CORSMiddleware, allow_origins=[ORIGIN], allow_headers=["authorization"])

    if not is_outside:
        cors()
    app.add_middleware(Asgi, verifier=verifier)
    if is_outside:
        cors()
    ask = {"origin": ORIGIN, "access-control-request-method": "GET", "access-control-request-headers": "authorization"}
    good = {"origin": ORIGIN, "authorization": serving.bearer(here)}
    answers = asked(app, ("OPTIONS", "/items", ask), ("GET", "/items", good), ("GET", "/items", {"origin": ORIGIN}))
    shown = [(answer.status_code, answer.headers.get("access-control-allow-origin")) for answer in answers]
    # A page can read a refusal only where CORS is outside.
    refused = ORIGIN if is_outside else None
    assert shown == [(200 if is_outside else 401, refused), (200, ORIGIN), (401, refused)]


def test_head_is_a_method_of_its_own(here: serving.Loopback, verifier: Verifier) -> None:
    app = fastapi.FastAPI()
    app.add_api_route("/items/{item}", lambda item: item, methods=["GET", "HEAD", "OPTIONS"])
    app.add_middleware(Asgi, verifier=verifier)
    reader = {"authorization": serving.bearer(here, sub="arn:aws:iam::000000000000:role/Reader")}
    answers = asked(app, *((method, "/items/1", reader) for method in ("GET", "HEAD", "OPTIONS")))
    assert [answer.status_code for answer in answers] == [200, 403, 403]
