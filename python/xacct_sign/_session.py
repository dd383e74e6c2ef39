"""`Session`, shaped like that of requests."""

from __future__ import annotations

from . import _native
from ._errors import ValidationError
from ._response import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, TypedDict

    from typing_extensions import Unpack

    from ._native import AssumeRole, Bearing, HttpHosts, IdentityProof, IdentityToken, _Source

    Headers = Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]]
    Params = Mapping[Any, Any] | Iterable[tuple[Any, Any]] | str | bytes
    Timeout = float | tuple[float | None, float | None] | None

    class RequestOptions(TypedDict, total=False):
        """The options of `Session.request`."""

        params: Params | None
        headers: Headers | None
        data: object
        json: object
        timeout: Timeout
        allow_redirects: bool
        stream: bool


class _Unset:
    """Stands for an argument that was not given, where None means something."""


_UNSET = _Unset()


class Session:
    """Signs each request with credentials that are valid when it is sent, and sends it.

    Safe to share between threads, which then share connections and credentials. It outlives its credentials: those of
    a role are refreshed. Each request goes over https (or to loopback), to the URL in the canonical form that was
    signed. A redirect within the origin is followed and signed anew; any other comes back as the answer.

    As a context manager it is closed at the end of the block.

    Args:
        role: the ARN of the role to assume, or an `AssumeRole`. Left out, `credentials` sign themselves; one that is
            None or empty, as an unset variable is, is refused.
        region: the API's region. Left out, the URL's host says it if it is one of AWS's; of any other it is that of the
            `AssumeRole`, else `AWS_REGION` or `AWS_DEFAULT_REGION`. A role that is given by its ARN is assumed at the
            STS of this region, or of that of the first API that is called.
        service: the signing name. Left out, the URL's host says it too; of any other it is `execute-api`, API
            Gateway's. What contradicts the host is refused before anything is sent.
        base_url: what paths are appended to: `/hoge` to `https://host/v1` gives `/v1/hoge`. A URL outside its origin is
            refused.
        credentials: with a role, what assumes it, as the `base` of `AssumeRole`. Without a role, what signs: there it
            has to be given, and may be all that a `base` may be. What a callable returns is then kept until shortly
            before it expires; if that says no expiry, the callable is asked for each request.
        timeout: seconds for the whole call, from the question for credentials to the answer's last byte, or a pair:
            seconds to connect, and for the whole; None waits as long as it takes. A callable or a session of boto3 that
            gives credentials runs on the caller's thread, and is not ended by it: what comes after that is.
        headers: for each request that does not have one of that name, in any case, itself.
        allow_http_hosts: hosts such as `localstack` or `localstack:4566` to which plain http may go, the API's and
            STS's alike, beside those of `XACCT_ALLOW_HTTP_HOSTS`. A `UserWarning` says so, once for each: whoever sees
            the traffic can read and repeat it. An `AssumeRole` is given its own.
        identity: an `IdentityToken` or an `IdentityProof`, for a server that has no API Gateway in front: it says who
            calls, and nothing is signed. It goes where a signature goes; role, credentials, region and service are for
            signatures, and refused beside it.
        identity_header: the header that it stands in, as `Bearer ...`; left out, `authorization`.

    Raises:
        ValidationError: for any argument that cannot work; nothing is sent.
    """

    def __init__(
        self,
        role: str | AssumeRole | _Unset | None = _UNSET,
        *,
        region: str | None = None,
        service: str | None = None,
        base_url: str | None = None,
        credentials: _Source | None = None,
        timeout: Timeout = (5.0, 35.0),
        headers: Headers | None = None,
        allow_http_hosts: Iterable[str] | None = None,
        identity: IdentityToken | IdentityProof | _Unset | None = _UNSET,
        identity_header: str | None = None,
    ) -> None:
        """See the class."""
        defaults = _items(headers, "headers", "invalid_header")
        http_hosts = _native.HttpHosts(allow_http_hosts)
        source: _Source | Bearing | None
        if not (identity is None or isinstance(identity, _Unset)):
            others = {"role": role, "credentials": credentials, "region": region, "service": service}
            source = _bearing(identity, identity_header, others)
        elif identity_header is not None:
            raise ValidationError("`identity_header` needs an identity", code="invalid_option", hint="give `identity`")
        else:
            source = _source(role, region, credentials, http_hosts)
            if source is None and identity is None and isinstance(role, _Unset):
                # Who wanted to say who calls has not left out a role.
                raise ValidationError(
                    "no role to assume is given",
                    code="role_not_given",
                    hint="`identity` is not given either: give an `IdentityToken` or an `IdentityProof`",
                )
        self._native = _native.Session(source, region, service, base_url, defaults, http_hosts)
        self._timeout = _timeouts(timeout)
        self._has_content_type = any(_is_content_type(pair) for pair in defaults)

    def __enter__(self) -> Session:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def close(self) -> None:
        """Closes its connections, those in use once they are not. Requests are refused from then on (`closed`)."""
        self._native.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Params | None = None,
        headers: Headers | None = None,
        data: object = None,
        json: object = None,
        timeout: Timeout | _Unset = _UNSET,
        allow_redirects: bool = True,
        stream: bool = False,
    ) -> Response:
        """Signs and sends one request.

        Args:
            method: the HTTP method.
            url: absolute, or with a `base_url` a path.
            params: pairs put behind the URL's query; a value that is a list gives a pair for each item, None gives
                none. A string is a query.
            headers: names and values; `content-type` stays to the letter.
            data: bytes, str (sent as UTF-8), an open file, or a mapping or pairs that are sent as a form. A file is
                sent from where it stands, and stands there again afterwards: in mode `rb` it is read twice, to be
                hashed and to be sent, in constant memory; one that is open as text or cannot be rewound is read to its
                end first.
            json: any value that `json.dumps` takes, None for none; sent as `application/json` unless `headers` say
                otherwise.
            timeout: instead of the session's.
            allow_redirects: False makes every redirect the answer.
            stream: True leaves the body to `Response.iter_content`, of any length in constant memory: close the answer,
                or use it in a `with`. The `timeout` is for everything up to the answer's head then, and for each piece.

        Raises:
            ValidationError: before anything is sent.
            CredentialsError: no base credentials, or they have expired.
            StsError: STS refused or failed.
            TransportError: the network failed; `TransportTimeout` if a time limit ran out.
        """
        pairs = _items(headers, "headers", "invalid_header")
        body, content_type = _body(data, json)
        if content_type is not None and not (self._has_content_type or any(_is_content_type(pair) for pair in pairs)):
            pairs.append(("content-type", content_type))
        connect, total = self._timeout if isinstance(timeout, _Unset) else _timeouts(timeout)
        query = _pairs(params, "params", "invalid_option")
        start = body.tell() if hasattr(body, "read") else None
        try:
            answer = self._native.send(
                method, url, query, pairs, body, connect, total, bool(allow_redirects), bool(stream)
            )
        finally:
            if start is not None:
                body.seek(start)
        return Response(method.upper(), *answer, total)

    def get(self, url: str, **kwargs: Unpack[RequestOptions]) -> Response:
        """`request("GET", ...)`."""
        return self.request("GET", url, **kwargs)

    def post(self, url: str, **kwargs: Unpack[RequestOptions]) -> Response:
        """`request("POST", ...)`."""
        return self.request("POST", url, **kwargs)

    def put(self, url: str, **kwargs: Unpack[RequestOptions]) -> Response:
        """`request("PUT", ...)`."""
        return self.request("PUT", url, **kwargs)

    def patch(self, url: str, **kwargs: Unpack[RequestOptions]) -> Response:
        """`request("PATCH", ...)`."""
        return self.request("PATCH", url, **kwargs)

    def delete(self, url: str, **kwargs: Unpack[RequestOptions]) -> Response:
        """`request("DELETE", ...)`."""
        return self.request("DELETE", url, **kwargs)

    def head(self, url: str, **kwargs: Unpack[RequestOptions]) -> Response:
        """`request("HEAD", ...)`."""
        return self.request("HEAD", url, **kwargs)

    def options(self, url: str, **kwargs: Unpack[RequestOptions]) -> Response:
        """`request("OPTIONS", ...)`."""
        return self.request("OPTIONS", url, **kwargs)


def _bearing(identity: IdentityToken | IdentityProof, header: str | None, others: Mapping[str, object]) -> Bearing:
    """What says who calls; a role beside it is refused even if it is None, as an unset variable is."""
    for name, value in others.items():
        if not ((value is None and name != "role") or isinstance(value, _Unset)):
            raise ValidationError(
                f"both `{name}` and `identity` are given",
                code="invalid_option",
                hint=f"with an identity nothing is signed: leave `{name}` out",
            )
    return _native.Bearing(identity, "authorization" if header is None else header)


def _source(
    role: str | AssumeRole | _Unset | None,
    region: str | None,
    credentials: _Source | None,
    http_hosts: HttpHosts | None,
) -> _Source | None:
    """What signs; None if nobody said: a role that is given and none must not end in signing as somebody else."""
    if isinstance(role, _Unset):
        return credentials or None
    if role is None or role == "":
        return None
    if isinstance(role, str):
        return _native.AssumeRole(role, region=region, base=credentials, allow_http_hosts=http_hosts)
    if not isinstance(role, _native.AssumeRole):
        raise ValidationError(
            f"the role is a `{type(role).__name__}`",
            code="invalid_role_arn",
            hint="give the role's ARN as a str, or an AssumeRole; a token or a proof goes to Session as `identity`",
        )
    if credentials is not None:
        raise ValidationError(
            "credentials are given beside an AssumeRole",
            code="invalid_option",
            hint="give the base credentials to the AssumeRole, as `base`",
        )
    return role


def _timeouts(timeout: Timeout) -> tuple[float | None, float | None]:
    connect, total = timeout if isinstance(timeout, tuple) and len(timeout) == 2 else (timeout, timeout)
    for seconds in (connect, total):
        # bool is an int, and no number of seconds; NaN is not above zero, and what is larger does not fit.
        is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if seconds is not None and not (is_number and 0 < seconds < 1e19):
            raise ValidationError(
                "a timeout is a positive number of seconds, or a pair of them to connect and for the whole call",
                code="invalid_option",
                hint="None waits forever",
            )
    return connect, total


def _is_content_type(pair: Any) -> bool:
    """Whether a pair is that header; what is no pair at all is complained of later."""
    name = pair[0] if isinstance(pair, tuple) and len(pair) == 2 else None
    return isinstance(name, (str, bytes)) and name.lower() in ("content-type", b"content-type")


def _items(given: Any, what: str, code: str) -> list[Any]:
    """The items of a mapping, or of what is iterable already; none of None."""
    try:
        return list(given.items() if hasattr(given, "items") else () if given is None else given)
    except TypeError as error:
        raise _no_pairs(what, code) from error


def _pairs(given: Any, what: str, code: str) -> list[tuple[str, str]]:
    try:
        if isinstance(given, (str, bytes)):
            from urllib.parse import parse_qsl

            return parse_qsl(_text(given).removeprefix("?"), keep_blank_values=True)
        pairs: list[tuple[str, str]] = []
        for item in _items(given, what, code):
            if not isinstance(item, (tuple, list)) or len(item) != 2:
                raise _no_pairs(what, code)
            key, value = item
            for each in value if isinstance(value, (list, tuple, set)) else [value]:
                if each is not None:
                    pairs.append((str(key), _text(each)))
    except UnicodeDecodeError as error:
        raise ValidationError(f"`{what}` holds bytes that are no UTF-8", code=code, hint="give text") from error
    return pairs


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _no_pairs(what: str, code: str) -> ValidationError:
    return ValidationError(
        f"`{what}` is, or holds, something else than pairs", code=code, hint="give a mapping, or pairs"
    )


def _body(data: object, json: object) -> tuple[Any, str | None]:
    """The body, and the content type it has unless the headers give one."""
    if json is not None:
        if data is not None:
            raise ValidationError("both `data` and `json` are given", code="invalid_option", hint="give one of them")
        return _dumps(json), "application/json"
    if hasattr(data, "read"):
        return _read(data), None
    if hasattr(data, "items") or isinstance(data, (list, tuple)):
        from urllib.parse import urlencode

        try:
            return urlencode(_pairs(data, "data", "invalid_body")), "application/x-www-form-urlencoded"
        except UnicodeEncodeError as error:
            raise ValidationError("`data` cannot be written as UTF-8", code="invalid_body") from error
    return data, None


def _dumps(value: object) -> bytes:
    """Compact JSON in UTF-8; NaN and Infinity, which are none, are refused."""
    text = _native._dumps(value)
    if text is not None:
        return text
    from json import dumps

    try:
        return dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValidationError(f"`json` cannot be written as JSON: {error}", code="invalid_body") from error


def _read(file: Any) -> object:
    """The file itself, where it can be read twice as bytes; else its content, as it stands there again afterwards."""
    if not (hasattr(file, "tell") and hasattr(file, "seek")):
        return file.read()
    try:
        start = file.tell()
    except OSError:
        return file.read()
    if isinstance(file.read(0), bytes):
        return file
    content = file.read()
    file.seek(start)
    return content
