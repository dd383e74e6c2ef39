"""SigV4 for requests: `requests.put(url, json=..., auth=SigV4Auth(role_arn, region=...))`.

And who calls, for servers without API Gateway: `auth=IdentityAuth(IdentityToken(audience, region=...))`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import requests
from requests.auth import AuthBase
from requests.models import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies, select_proxy

from ._session import _UNSET
from ._signing import RequestIdentity, RequestSigning, encoded, is_file, payload, refuse_proxy, wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._native import AssumeRole, IdentityProof, IdentityToken, _Source
    from ._session import _Unset
    from ._signing import Adds

__all__ = ["IdentityAuth", "SigV4Auth"]


class _Auth(AuthBase):
    """What both do of each request."""

    _signing: RequestSigning

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Prepares a request in place."""
        call = _Call(self._signing)
        r.url = call.trail.signed_url(r.url or "") or ""
        refuse_proxy(r.url, select_proxy(r.url, get_environ_proxies(r.url)))
        if self._signing.reads_body:
            # requests says the length, and sends in chunks only what has none.
            r.headers.pop("transfer-encoding", None)
            if isinstance(r.body, str):
                r.body = encoded(r.body, "utf-8", "the body", "invalid_body")
                r.prepare_content_length(r.body)
        call.sign(r, r)
        # Those of an earlier attempt.
        r.hooks["response"] = [hook for hook in r.hooks["response"] if not isinstance(hook, _Call)]
        r.register_hook("response", call)  # type: ignore[no-untyped-call]
        return r


class SigV4Auth(_Auth):
    """Signs each request that requests sends, with credentials that are valid then.

    One object serves any number of sessions and threads; it keeps working when credentials expire (those of a role are
    refreshed) and past midnight UTC. The URL is brought into its canonical form, a body that is text is sent as UTF-8,
    a file is hashed in one pass and rewound. A redirect within the origin is signed anew; to any other place requests
    follows without signature and token. A 403 whose `Date` shows that this machine's clock is off is answered with one
    more attempt.

    Args:
        role: the ARN of the role to assume, or an `AssumeRole`. Left out, `credentials` sign themselves.
        region: the API's region. AWS's own hosts say it; for any other it is known as in `Session`.
        service: the signing name. AWS's own hosts say it too; for any other it is `execute-api`, API Gateway's.
        credentials: as those of `Session`: with a role, what assumes it; without one, what signs.
        allow_http_hosts: as that of `Session`: hosts to which plain http may go.

    Raises:
        ValidationError: for any argument that cannot work; when a request is made, for plain http to a host that is
            neither loopback nor allowed or through a proxy of the environment, a URL that is signed already, or a body
            that can be read only once or is a file that is open as text.
    """

    def __init__(
        self,
        role: str | AssumeRole | _Unset | None = _UNSET,
        *,
        region: str | None = None,
        service: str | None = None,
        credentials: _Source | None = None,
        allow_http_hosts: Iterable[str] | None = None,
    ) -> None:
        """See the class."""
        self._signing = RequestSigning(role, region, service, credentials, allow_http_hosts)


class IdentityAuth(_Auth):
    """Says in each request that requests sends who calls, by a token or a proof that serves then. Nothing is signed.

    One object serves any number of sessions and threads. It goes where a signed request goes: over https or to
    loopback. A redirect within the origin says it again; to any other place requests follows without it.

    Args:
        identity: an `IdentityToken` or an `IdentityProof`.
        header: the name of the header that it stands in, as `Bearer ...`.

    Raises:
        ValidationError: for any argument that cannot work; when a request is made, for plain http to a host that is
            not loopback or through a proxy of the environment.
    """

    def __init__(self, identity: IdentityToken | IdentityProof, *, header: str = "authorization") -> None:
        """See the class."""
        self._signing = RequestIdentity(identity, header)


class _Call:
    """One call, from its first request to its answer: requests asks it about every answer between."""

    def __init__(self, signing: RequestSigning) -> None:
        self._signing = signing
        self.trail = signing.trail()
        self._ready: Adds | None = None
        self._was_refused = False
        # Where the body begins, if it is a file.
        self._start = 0

    def sign(self, target: PreparedRequest, sent: PreparedRequest, *, with_cookies: bool = True) -> None:
        """Puts the signature for `sent` into the headers of `target`."""
        body: object = None
        if self._signing.reads_body:
            body, length = payload(sent.body)
            if is_file(sent.body):
                self._start = sent.body.tell()
                # requests would send an empty one in chunks.
                sent.headers["Content-Length"] = str(length)
        headers = wire(sent.headers.items())
        if not with_cookies:
            headers = [pair for pair in headers if pair[0].lower() != "cookie"]
        url = sent.url or ""
        self._ready = self._signing.ready(url)
        added = self._ready.sign(sent.method or "GET", url, headers, body)
        self._strip(target)
        target.headers.update(added)

    def __call__(self, response: Response, **options: Any) -> Response:
        """Prepares the headers that requests copies to the request of a redirect, before it does."""
        if isinstance(response.request.headers, _Kept):
            # They were sent, and are their owner's from here on.
            response.request.headers = CaseInsensitiveDict(response.request.headers)
        ready, self._ready = self._ready, None
        if ready is None:
            return response
        sent = response.request.method or "GET"
        if not self._was_refused and ready.was_wrong(sent, response.status_code, response.headers):
            self._was_refused = True
            return self(self._sent_again(response, options), **options)
        if response.is_redirect:
            self._strip(response.request)
            # A `Location` that is no URL is for requests to complain of, if it goes there at all.
            with suppress(ValueError):
                self._sign_redirect(response)
        return response

    def _strip(self, request: PreparedRequest) -> None:
        for name in self._signing.adds:
            request.headers.pop(name, None)

    def _sent_again(self, refused: Response, options: dict[str, Any]) -> Response:
        # Read, so that its connection is free.
        _ = refused.content
        refused.close()
        # requests copies the headers of a redirect from the request that it has: that one is signed anew, not a copy.
        request = refused.request
        refused.request = request.copy()
        # A redirect may have left the body behind.
        if is_file(request.body):
            request.body.seek(self._start)
        self.sign(request, request)
        answer = refused.connection.send(request, **options)
        answer.history.append(refused)
        return answer

    def _sign_redirect(self, response: Response) -> None:
        following = _following(response)
        url = self.trail.signed_url(following.url or "") if following else None
        if following is None or url is None:
            return
        following.url = url
        # Cookies may change on the way.
        self.sign(response.request, following, with_cookies=False)
        response.request.headers = _Signed(response.request.headers)


class _Signed(CaseInsensitiveDict[Any]):
    """Headers that requests copies for a signed redirect, to put what `.netrc` has over the signature."""

    def copy(self) -> _Kept:
        return _Kept(self)


class _Kept(CaseInsensitiveDict[Any]):
    """Such a copy, until it is sent."""

    def __setitem__(self, name: str, value: Any) -> None:
        if name.lower() != "authorization" or name not in self:
            super().__setitem__(name, value)


def _following(response: Response) -> PreparedRequest | None:
    """The request that requests makes of a redirect, made by requests: nobody else knows where it goes."""
    with requests.Session() as session:
        session.trust_env = False
        return next(session.resolve_redirects(response, response.request, yield_requests=True), None)
