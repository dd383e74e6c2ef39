"""The verifier, for whatever serves requests."""

from __future__ import annotations

import inspect
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import _native
from .._errors import ValidationError
from ._caller import Caller
from ._refused import RefusedError

_log = logging.getLogger("xacct_sign.server")

# Headers by which frameworks take a request for one of another method.
METHOD_OVERRIDES = tuple(_native.Verifier.METHOD_OVERRIDES)


# What is wrong with an option, or with AWS_ENDPOINT_URL_STS.
_NOT_OF_THE_LIST = ("invalid_option", "invalid_endpoint", "insecure_url")

# Of a verifier for development, where nothing says otherwise.
_AWS_IS_ASKED = (
    ". AWS's STS is asked: for proofs of an emulator's callers set AWS_ENDPOINT_URL_STS, or make the verifier in"
    " `as_caller`: it is read then"
)

_RENDER = "render it: `xacct-sign render callers --stage STAGE > callers.json`"


class Verifier:
    """Says which caller of a list a request comes from, and keeps it to its routes.

    Make one and keep it: it remembers keys and callers, and serves any number of threads.

    >>> verifier = Verifier.from_file("callers.json")  # doctest: +SKIP
    >>> caller = verifier.check(request.headers.get("authorization"), "GET", "/items/1")  # doctest: +SKIP
    >>> caller.name  # doctest: +SKIP
    'shop'
    """

    def __init__(self, callers: str | bytes | Mapping[str, Any], *, development: bool = False) -> None:
        """A verifier for a list of callers.

        Args:
            callers: `callers.json`: its text, or what it was read into.
            development: takes `dev_issuers`, which are for where nobody real calls; each start is logged.

        Raises:
            ValidationError: the list is wrong; docs/identity.md has the codes.
        """
        if isinstance(callers, Mapping):
            try:
                callers = json.dumps(dict(callers))
            except (TypeError, ValueError, RecursionError) as error:
                raise _wrong("`callers` is no JSON", "give what a callers.json was read into") from error
        if isinstance(callers, str):
            # An empty file's is what the rules tell.
            if callers.lstrip("\ufeff \t\r\n")[:1] not in ("", "{", "["):
                raise _wrong("`callers` is not the text of a callers.json", "for a file there is Verifier.from_file")
            callers = callers.encode()
        if not isinstance(callers, (bytes, bytearray)):
            raise _wrong("`callers` is neither text nor a mapping", "for a file there is Verifier.from_file")
        if not isinstance(development, bool):
            raise _wrong("`development` is neither True nor False", "leave it out where real callers come")
        self._native = _native.Verifier(callers, development)
        if self._native.is_development:
            sts = "" if os.environ.get("AWS_ENDPOINT_URL_STS") else _AWS_IS_ASKED
            _log.warning(
                "stage %s takes callers of issuers on this machine: this is for development%s", self.stage, sts
            )

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, development: bool = False) -> Verifier:
        """A verifier for the list in a file, `callers.json`.

        Raises:
            ValidationError: the file cannot be read (`file_unreadable`, with the `OSError` as its `__cause__`), or the
                list is wrong.
        """
        name = path_of(path, 'give that of the list: "callers.json"')
        try:
            with open(name, "rb") as file:
                callers = file.read()
        except OSError as error:
            raise ValidationError(
                f"cannot read the list of callers `{name}`: {error.strerror or error}",
                code="file_unreadable",
                # What is there and cannot be read is not mended by another one.
                hint=_RENDER if isinstance(error, FileNotFoundError) else "give the path of a file that can be read",
            ) from error
        try:
            return cls(callers, development=development)
        except ValidationError as error:
            if error.code in _NOT_OF_THE_LIST:
                raise
            # There is one for each stage.
            told = str(error.args[0])
            what = told.removeprefix("callers.json") if told.startswith("callers.json ") else f": {told}"
            raise ValidationError(name + what, code=error.code, hint=error.hint) from None

    @classmethod
    def from_manifest(cls, path: str | os.PathLike[str], stage: str, *, development: bool = False) -> Verifier:
        """A verifier for a stage of a manifest, `xacct.toml`, with the lock file beside it if there is one.

        The command `xacct-sign` reads it (`pip install xacct-sign-cli`): a server without it takes `from_file`.

        Raises:
            ValidationError: there is no such command, or the manifest or the list is wrong.
        """
        from ._manifest import rendered

        return cls(rendered(path, stage), development=development)

    @property
    def stage(self) -> str:
        """The stage's name in the manifest."""
        return self._native.stage

    def check(
        self,
        authorization: str | bytes | Sequence[str | bytes] | None,
        method: str | Sequence[str],
        path: str | Sequence[str],
    ) -> Caller:
        """Who makes a request, and whether it may.

        It may wait for the issuer's keys, or for STS; for callers that are known it does not.

        Args:
            authorization: the header's value, or every value of it if it was sent several times; None if it was not.
            method: the method that the application will see; or a list of it and of what headers such as
                `x-http-method-override` want in its place, which the caller has to be allowed, too.
            path: the path as it was sent, escapes and all, without its query; or each form that it may have, of which
                every one has to be on a route of the caller's.

        Raises:
            RefusedError: with a `code`, and the `status` that the client is told.
        """
        return self._native.check(_values(authorization), _texts(method), _texts(path))

    def check_at_hand(
        self,
        authorization: str | bytes | Sequence[str | bytes] | None,
        method: str | Sequence[str],
        path: str | Sequence[str],
    ) -> Caller | None:
        """As `check`, if nothing has to be waited for; else None, and `check` waits, in another thread."""
        return self._native.check_at_hand(_values(authorization), _texts(method), _texts(path))

    def waits(self, authorization: Sequence[bytes]) -> tuple[str, int, int]:
        """In which line a request waits that has to: `token`, `known_proof` or `proof`, which anybody can make up.

        Then for what: of those with the same number one gets it for all. And by which number its place is counted.
        """
        return self._native.waits(authorization)

    def from_event(self, event: Mapping[str, Any] | str | bytes) -> Caller:
        """Who makes the request of a Lambda function's event, which may be given as its JSON.

        What stands in front is the `target` of `callers.json`; an event that comes from elsewhere is refused.

        Raises:
            RefusedError: as `check`.
        """
        return self._native.check_event(_text_of(event))

    def handler(self, function: Callable[[Any, Any, Caller], Any]) -> Callable[[Any, Any], Any]:
        """A Lambda handler that calls the function for callers alone, with the caller behind event and context."""
        callable_of(function, "function")

        def handle(event: Any, context: Any) -> Any:
            try:
                caller = self.from_event(event)
            except RefusedError as refusal:
                log_refusal(refusal, *_request_of(event))
                headers = dict(refusal_headers(refusal.status))
                return {"statusCode": refusal.status, "headers": headers, "body": ""}
            return function(event, context, caller)

        return handle

    def __repr__(self) -> str:
        """The stage."""
        # One of which none was made is shown, too: by whoever shows the frames of what was raised.
        return f"<Verifier of stage {self.stage}>" if hasattr(self, "_native") else "<Verifier>"


def _values(authorization: str | bytes | Sequence[str | bytes] | None) -> list[bytes]:
    if authorization is None:
        return []
    try:
        return [_value(authorization)] if isinstance(authorization, (str, bytes)) else [*map(_value, authorization)]
    except (AttributeError, TypeError):
        raise _wrong(
            "`authorization` is no text", "give the header's value, or a list of its values, or None"
        ) from None


def _value(value: str | bytes) -> bytes:
    # What is not Latin-1 was in no header, and is none.
    return value if isinstance(value, bytes) else value.encode("latin-1", "replace")


def _texts(given: str | Sequence[str]) -> list[str]:
    try:
        return [_readable(given)] if isinstance(given, str) else [*map(_readable, given)]
    except (AttributeError, TypeError):
        raise _wrong("method and path are texts", 'such as check(authorization, "GET", "/items/1")') from None


def _readable(text: str) -> str:
    """What is half a character has no UTF-8: it becomes one that no route takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "\0"
    return text


def paths(sent: str | None, seen: str, encoding: str) -> list[str]:
    """The paths to check: of what was sent, and what the application sees, which a server decoded by this encoding."""
    try:
        return _native.Verifier.paths(sent or None, seen.encode(encoding))
    except UnicodeEncodeError:
        # No server should make such a thing of a path, and no route takes it.
        return ["\0"]


def _wrong(what: str, hint: str) -> ValidationError:
    return ValidationError(what, code="invalid_option", hint=hint)


def path_of(path: object, hint: str) -> str:
    """The path that was given; a number is none, though `open` takes it: it would read what has that number."""
    try:
        if isinstance(path, (str, bytes, os.PathLike)):
            name = os.fsdecode(path)
            if b"\0" not in os.fsencode(name) and name:
                return name
    except (TypeError, UnicodeError):
        pass
    raise _wrong("`path` is no path", hint)


def verifier_of(verifier: object) -> Verifier:
    """The verifier that was given; what is none is told where it is given, and not to the first client."""
    if not isinstance(verifier, Verifier):
        raise _wrong("`verifier` is no Verifier", 'make one: Verifier.from_file("callers.json")')
    verifier._native.check_takes_headers()
    return verifier


def callable_of(given: object, name: str) -> None:
    """What cannot be called is told where it is given, as a verifier is."""
    if not callable(given):
        raise _wrong(f"`{name}` is nothing that can be called", "give what is called for callers alone")


def application_of(app: object, kind: str) -> None:
    """What is an application of the other kind is told where it is given, and not by every request's failure."""
    callable_of(app, "app")
    for other, arguments in _ARGUMENTS.items():
        if other != kind and _takes(app, arguments) and not _takes(app, _ARGUMENTS[kind]):
            article = "an" if other == "ASGI" else "a"
            raise _wrong(
                f"`app` is {article} {other} application, and this is middleware for {kind}",
                f"for {other} there is xacct_sign.server.{other.lower()}.CallerMiddleware",
            )


_ARGUMENTS = {"WSGI": ("environ", "start_response"), "ASGI": ("scope", "receive", "send")}


def _takes(app: Any, arguments: Sequence[str]) -> bool:
    """Whether it can be called so; what does not say what it takes cannot."""
    try:
        inspect.signature(app, follow_wrapped=False).bind(*arguments)
    except Exception:
        return False
    return True


def mounted_at_of(path: object) -> str:
    """The path of a mount, as servers write it."""
    if not isinstance(path, str) or path.rstrip("/") != path or (path and not path.startswith("/")):
        raise _wrong("`mounted_at` is no path of a mount", 'such as "/api", without a slash at its end')
    return path


def _request_of(event: object) -> tuple[str | None, str | None]:
    """Method and path of an event, of either form, for the log."""
    if not isinstance(event, Mapping):
        return None, None
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, Mapping) else None
    method = http.get("method") if isinstance(http, Mapping) else event.get("httpMethod")
    path = event.get("rawPath", event.get("path"))
    return method if isinstance(method, str) else None, path if isinstance(path, str) else None


def _text_of(event: object) -> bytes:
    """JSON of what is read of an event, whatever the rest is; of what is none, a text that is none either."""
    if isinstance(event, bytes):
        return event
    try:
        if isinstance(event, str):
            return event.encode()
        if not isinstance(event, Mapping):
            return b""
        return json.dumps({name: event[name] for name in _native.Verifier.EVENT_MEMBERS if name in event}).encode()
    except (TypeError, ValueError, RecursionError):
        return b""


def log_refusal(refusal: RefusedError, method: str | None = None, path: str | None = None) -> None:
    """Tells the log why; the client is told the status alone."""
    where = f" {_shown(method)} {_shown(path or '')}" if method else ""
    more = {"code": refusal.code, "status": refusal.status}
    _log.warning("%s %s%s: %s", refusal.status, refusal.code, where, refusal, extra=more)


def _shown(text: str) -> str:
    """What a client sent: on one line, and not all of it."""
    return ascii(text[:256])


def refusal_headers(status: int) -> list[tuple[str, str]]:
    """The headers of an answer that refuses."""
    headers = [("content-length", "0")]
    return [("www-authenticate", "Bearer"), *headers] if status == 401 else headers
