from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Final, Protocol, final

from .server._caller import Caller

__all__ = [
    "AssumeRole",
    "Bearing",
    "Credentials",
    "DefaultCredentials",
    "Environment",
    "Finding",
    "HttpHosts",
    "IdentityProof",
    "IdentityToken",
    "PayloadHash",
    "Ready",
    "Sent",
    "Session",
    "Signer",
    "Signing",
    "Stream",
    "Verifier",
    "_dumps",
    "_explain",
    "_refusal",
    "_trace",
    "_within_origin",
    "canonical_url",
    "diagnose",
]

_Headers = Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]]

class _Gettable(Protocol):
    """An answer's headers, as every client has them."""
    def get(self, name: str, /) -> str | None: ...

@final
class Credentials:
    """An access key id, its secret and, for temporary credentials, the session token and the instant they expire.

    Args:
        access_key_id: `AKIA...` for long-term, `ASIA...` for temporary credentials.
        secret_access_key: shown by no `repr` and no error.
        session_token: for temporary credentials; an empty one counts as none.
        expires_at: an aware datetime; from then on sessions, adapters and STS calls refuse them. A `Signer` signs what it is
            told to.

    Raises:
        ValidationError: `invalid_credentials` for a part that is empty or holds white space, `invalid_time` for a naive
            datetime.
    """
    def __new__(
        cls,
        access_key_id: str,
        secret_access_key: str,
        session_token: str | None = None,
        expires_at: datetime | None = None,
    ) -> Credentials: ...
    @property
    def access_key_id(self) -> str: ...
    @property
    def secret_access_key(self) -> str: ...
    @property
    def session_token(self) -> str | None: ...
    @property
    def expires_at(self) -> datetime | None:
        """The instant from which AWS refuses these credentials, as an aware datetime; None for long-term ones."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Environment:
    """The credentials of `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, read again whenever they are asked
    for: what a Lambda function has.

    Stands wherever `Credentials` do that a session or an adapter keeps: `Session(credentials=Environment(), ...)` signs as the
    program itself.
    """
    def __new__(cls) -> Environment: ...

@final
class DefaultCredentials:
    """The credentials of wherever the program runs, from where AWS's SDKs look for them, in their order: the environment's keys; the
    profile's files (keys, `credential_process`, `role_arn`, SSO); the environment's web identity (EKS); the container's endpoint
    (ECS, EKS Pod Identity, Lambda SnapStart); the instance's metadata.

    What signs or assumes a role asks it anew: keys in the environment are read each time, those in files if that was more than a second
    ago; what had to be fetched is kept until shortly before it expires. It is what assumes a role unless something else is given.

    Args:
        profile: the profile in the place of `AWS_PROFILE`'s; the environment's keys do not count then.

    Raises:
        ValidationError: `invalid_option` if the profile is no str.
    """
    def __new__(cls, profile: str | None = None) -> DefaultCredentials: ...
    def credentials(self) -> Credentials:
        """Credentials that are valid now.

        Raises:
            CredentialsError: there are none; what was looked at, and why it had none, is said.
            ValidationError: a file or a variable is malformed.
            StsError: STS refused a role of the profile.
            TransportError: the network failed; `TransportTimeout` if a time limit ran out.
        """
    @property
    def profile(self) -> str | None:
        """The profile that was given."""

@final
class PayloadHash:
    """As a body: its SHA-256 in 64 lower-case hexadecimal digits, where the body itself is not at hand."""
    def __new__(cls, sha256: str) -> PayloadHash: ...
    @staticmethod
    def unsigned() -> PayloadHash:
        """The payload that is not signed."""

@final
class Signer:
    """Signs requests for one service in one region.

    The signing key is derived once a day (of the request, in UTC) and for each set of credentials; the object is safe to share
    between threads.

    Args:
        credentials: what signs: an `AssumeRole`, whose credentials are refreshed; `Credentials`, which do not refresh and sign even
            when they have expired; or anything else that `Session` takes as `credentials`.
        region: the API's region; an `AssumeRole` brings its own.
        service: the signing name, `execute-api` for API Gateway.

    Raises:
        ValidationError: `invalid_region`, `invalid_service`, `invalid_credentials`.
    """
    def __new__(cls, credentials: _Source, region: str | None = None, service: str = "execute-api") -> Signer: ...
    @property
    def credentials(self) -> Credentials:
        """What signs now; those of an `AssumeRole` are fetched where that is needed."""
    @property
    def region(self) -> str: ...
    @property
    def service(self) -> str: ...
    def sign(
        self,
        method: str,
        url: str,
        headers: _Headers | None = None,
        body: object = None,
        *,
        now: datetime | None = None,
    ) -> dict[str, str]:
        """The headers to add: `authorization`, `x-amz-date` and, where they apply, `x-amz-security-token` and
        `x-amz-content-sha256`. They replace what the request has under these names.

        Args:
            method: as it will be sent.
            url: absolute, exactly as it will be sent: `canonical_url` makes it so.
            headers: a mapping or pairs of str to str (sent as UTF-8) or bytes; all are signed but those that proxies and
                clients change on the way, such as `user-agent`.
            body: bytes or str (sent as UTF-8), a `PayloadHash`, or `UNSIGNED_PAYLOAD` where the service takes it.
            now: an aware datetime; None is the clock's. API Gateway takes it for five minutes.

        Raises:
            ValidationError: for bad input, with its code.
            CredentialsError, StsError, TransportError: as `AssumeRole.credentials`, where it signs with one.
        """
    def presign(
        self,
        method: str,
        url: str,
        *,
        expires_in: int = 900,
        headers: _Headers | None = None,
        body: object = None,
        now: datetime | None = None,
    ) -> str:
        """The URL with the signature in its query. Whoever has it can send the request until it expires.

        Args:
            expires_in: 1 to 604800 seconds; temporary credentials end it sooner.
            headers: what else must be sent with it, and is signed: a `content-length`, too.

        The other arguments, and what is raised, are those of `sign`.
        """

@final
class AssumeRole:
    """A role's credentials: fetched from STS when they are needed, and again before they expire.

    Share one object among all threads and clients: it makes one STS call per lifetime, whoever asks. Parameters and limits
    are those of STS's `AssumeRole` (AWS STS API Reference).

    Args:
        role_arn: `arn:{partition}:iam::{account}:role/{name}`.
        region: the API's region, whose STS endpoint is called; None takes that of the first API that is called with the
            credentials, or where they are asked for without one, `AWS_REGION` or `AWS_DEFAULT_REGION`.
        session_name: 2 to 64 of `A-Z a-z 0-9 _ + = , . @ -`; how the other side's logs tell callers apart. None takes
            `AWS_ROLE_SESSION_NAME`, else the Lambda function's name, else `xacct-sign`.
        external_id: what the role's trust policy asks a third party for.
        duration_seconds: 900 to 43200; at most 3600 if the base credentials are a role's themselves.
        policy: a session policy as JSON, up to 2048 characters.
        policy_arns: up to 10 managed policies of the role's account, used like `policy`.
        tags: up to 50 session tags.
        transitive_tag_keys: keys of `tags` that go on to the next role of a chain.
        source_identity: 2 to 64 characters, as for `session_name`.
        base: what gives the credentials that assume the role, asked again at each refresh, on the thread that makes it:
            `DefaultCredentials()`, which None stands for; `Environment()`; `Credentials`; another `AssumeRole`; a callable that
            returns `Credentials` or what botocore has; a `boto3.Session`, a session or credentials of botocore.
        sts_endpoint: a URL instead of the regional endpoint's; None takes `AWS_ENDPOINT_URL_STS` or
            `AWS_ENDPOINT_URL`, if set.
        allow_http_hosts: hosts such as `localstack` or `localstack:4566` where STS may be over plain http, beside those of
            `XACCT_ALLOW_HTTP_HOSTS`. A `UserWarning` says so: whoever sees the traffic can read the role's credentials.

    Raises:
        ValidationError: for any argument that STS would refuse; nothing is sent.
    """
    def __new__(
        cls,
        role_arn: str,
        *,
        region: str | None = None,
        session_name: str | None = None,
        external_id: str | None = None,
        duration_seconds: int = 3600,
        policy: str | None = None,
        policy_arns: Sequence[str] | None = None,
        tags: dict[str, str] | None = None,
        transitive_tag_keys: Sequence[str] | None = None,
        source_identity: str | None = None,
        base: _Source | None = None,
        sts_endpoint: str | None = None,
        allow_http_hosts: Iterable[str] | HttpHosts | None = None,
    ) -> AssumeRole: ...
    def credentials(self) -> Credentials:
        """Credentials that are valid now; calls STS where that is needed, and waits where another thread already does.

        A failed early refresh is no error: the old credentials still serve.

        Raises:
            CredentialsError: there are no base credentials, or they have expired.
            StsError: STS refused or failed.
            TransportError: the network failed; `TransportTimeout` if a time limit ran out.
            Exception: what a callable that is the base raised, as it is.
        """
    @property
    def role_arn(self) -> str: ...
    @property
    def region(self) -> str | None: ...
    @property
    def session_name(self) -> str: ...

@final
class IdentityToken:
    """Says to a server who calls, by a web identity token: made by STS when it is needed, and again before it expires.

    The caller's account has to be an issuer, once: `aws iam enable-outbound-web-identity-federation`; and the caller's own policy has
    to allow `sts:GetWebIdentityToken`. Where that cannot be, `IdentityProof` needs neither. Share one object among all threads and
    clients: it makes one STS call per lifetime.

    Args:
        audience: the server's, as its provider wrote it, such as `https://api.example.com`.
        region: the region whose STS makes the tokens: that where the program runs. None stands for that of a base that was given one,
            as an `AssumeRole` is, else for `AWS_REGION` or `AWS_DEFAULT_REGION`, else for the profile's.
        duration_seconds: 60 to 3600; of credentials that end sooner a token is made that ends with them.
        algorithm: `ES384`, or `RS256` where the server takes no other.
        base: what gives the credentials whose token it is, as that of `AssumeRole`: None stands for `DefaultCredentials()`.

    Raises:
        ValidationError: for any argument that STS would refuse; nothing is sent.
    """
    def __new__(
        cls,
        audience: str,
        *,
        region: str | None = None,
        duration_seconds: int = 300,
        algorithm: str = "ES384",
        base: _Source | None = None,
    ) -> IdentityToken: ...
    def token(self) -> str:
        """A token that is valid now, for a client that has no adapter: `authorization: Bearer ...`. It calls STS where that is needed.

        Raises:
            CredentialsError: there are no base credentials, or they have expired.
            StsError: STS refused or failed.
            TransportError: the network failed; `TransportTimeout` if a time limit ran out.
        """
    @property
    def audience(self) -> str: ...
    @property
    def region(self) -> str: ...

@final
class IdentityProof:
    """Says to a server who calls, by a signed `GetCallerIdentity` that the server has STS answer: no call is made here, the caller's
    account need not be an issuer, and no permission is needed.

    A proof is sent for two and a half minutes, or until the credentials change. Share one object among all threads and clients, since
    each proof costs the server a call of STS.

    Args:
        audience: the server's, as its provider wrote it, such as `https://api.example.com`.
        region: the region whose STS the server asks: one that it takes proofs of; None as for a token.
        base: what gives the credentials that sign, those of a role; as that of `AssumeRole`: None stands for `DefaultCredentials()`.

    Raises:
        ValidationError: for an audience that is none, `invalid_region`, `unknown_partition`; when it is used, for credentials that no
            proof can hold.
    """
    def __new__(cls, audience: str, *, region: str | None = None, base: _Source | None = None) -> IdentityProof: ...
    def proof(self) -> str:
        """A proof that serves now, for a client that has no adapter: `authorization: Bearer ...`. Nobody is called but for the
        credentials.

        Raises:
            CredentialsError: there are no credentials, or they have expired.
            ValidationError: the credentials are of a kind that no proof can hold.
        """
    @property
    def audience(self) -> str: ...
    @property
    def region(self) -> str: ...

@final
class Bearing:
    """What a session and the adapters send of an identity, and the header that it stands in."""
    def __new__(cls, identity: IdentityToken | IdentityProof, header: str) -> Bearing: ...
    @property
    def header(self) -> str:
        """The header's name, in lower case."""
    def bearer(self) -> str:
        """The token or proof that serves now; calls STS where that is needed."""
    def at_hand(self) -> str | None:
        """The same, if nobody has to wait for it; else None. An early refresh goes on beside."""
    def fetch(self, future: Future[str]) -> None:
        """The same on a thread beside, for which the program does not wait at its end. A `concurrent.futures.Future` is told what it
        gives, or raises.
        """

@final
class Session:
    def __new__(
        cls,
        source: _Source | Bearing | None,
        region: str | None,
        service: str | None,
        base_url: str | None,
        headers: _Headers | None,
        http_hosts: HttpHosts,
    ) -> Session: ...
    def send(
        self,
        method: str,
        url: str,
        query: Sequence[tuple[str, str]],
        headers: _Headers | None,
        body: object,
        connect_timeout: float | None,
        total: float | None,
        allow_redirects: bool,
        stream: bool,
    ) -> tuple[int, str, list[tuple[str, str]], bytes | Stream, str | None, str | None, Sent | None]: ...
    def close(self) -> None: ...

@final
class Finding:
    """What is broken in a call.

    Attributes:
        code: the stable code, such as `clock_off`; docs/troubleshooting.md has all of them.
        side: who can change it: `caller`, `provider`, `network` or `aws`.
        reason: how it shows here.
        hint: what to do.
    """
    @property
    def code(self) -> str: ...
    @property
    def side(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def hint(self) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class Sent:
    """What a refused call sent, and how it was answered, but for the body."""
    @property
    def has_bearer(self) -> bool:
        """Whether it was a token or a proof, and no signature."""
    def explain(self, body: bytes | None) -> list[Finding]: ...

@final
class Verifier:
    """The verifier under `xacct_sign.server.Verifier`."""
    def __new__(cls, callers: bytes, development: bool) -> Verifier: ...
    @property
    def stage(self) -> str:
        """The stage's name in the manifest."""
    @property
    def is_development(self) -> bool:
        """Whether it takes issuers on this machine."""
    def check_takes_headers(self) -> None:
        """That its callers come by the header of a request; raises what is wrong where they do not."""
    METHOD_OVERRIDES: Final[list[str]]
    """The headers whose values stand behind the method, in lower case."""
    EVENT_MEMBERS: Final[list[str]]
    """The members of an event that are read."""
    def check(self, authorization: Sequence[bytes], methods: Sequence[str], paths: Sequence[str]) -> Caller:
        """Who makes a request, whatever has to be waited for."""
    def check_at_hand(
        self, authorization: Sequence[bytes], methods: Sequence[str], paths: Sequence[str]
    ) -> Caller | None:
        """The same, if nobody has to wait: None where keys or STS are to be asked first."""
    @staticmethod
    def paths(sent: str | None, seen: bytes) -> list[str]:
        """The paths to check: of the target as it was sent, if the server says so, and of what the application sees, decoded."""
    PLACES: Final[int]
    """How many checks may wait in one line."""
    THREADS: Final[list[tuple[str, int]]]
    """Each line, and how many threads are for its checks."""
    def waits(self, authorization: Sequence[bytes]) -> tuple[str, int, int]:
        """In which line a request waits that has to: `token`, `known_proof` or `proof`; by a number for what; and by which its place is
        counted.
        """
    def check_event(self, event: bytes) -> Caller:
        """Who makes the request of a Lambda function's event, given as JSON."""

@final
class Stream:
    def read(self, most: int, seconds: float | None) -> bytes:
        """The next bytes, as soon as there are any, at most so many; none at the end."""
    def close(self) -> None:
        """Ends it: its connection is closed if there was more to read."""

@final
class HttpHosts:
    """Where signed requests may go: https, this machine, and hosts that are given or that `XACCT_ALLOW_HTTP_HOSTS` names."""
    def __new__(cls, hosts: Iterable[str] | None = None) -> HttpHosts: ...
    def reachable_url(self, url: str) -> str:
        """The URL in its canonical form, if a client that looks up names itself may send a signed request there: what is in
        `localhost` may be anywhere to the system's resolver. Warns, once for each host, where that is over plain http.
        """

@final
class Signing:
    def __new__(cls, source: _Source, region: str | None, service: str | None) -> Signing: ...
    def ready(self, url: str) -> Ready:
        """What signs requests to the URL's host, with credentials that are valid now; calls STS where that is needed."""

    def at_hand(self, url: str) -> Ready | None:
        """The same, if nobody has to wait for it; else None. An early refresh goes on beside."""

    def fetch(self, url: str, future: Future[Ready]) -> None:
        """The same on a thread beside, for which the program does not wait at its end. A `concurrent.futures.Future` is told what it
        gives, or raises.
        """

@final
class Ready:
    """Signs the attempts of one request, with the credentials of one moment."""
    def sign(self, method: str, url: str, headers: _Headers, body: object) -> dict[str, str]:
        """As `Signer.sign`, now."""

    def was_wrong(self, method: str, status: int, headers: _Gettable) -> bool:
        """Takes note of an answer to what it signed; of its headers only `get` is asked, with names in lower case. Whether the request may
        be signed anew and sent once more: the signature was wrong, as the answer's `Date` shows, or the credentials have expired
        meanwhile; and nothing was done.
        """

def _dumps(value: object) -> bytes | None:
    """The value in compact JSON, or `None` where only Python's `json` knows what to do: subclasses and other types, keys that
    are no `str`, integers beyond 64 bits, NaN, deep nesting.
    """

def diagnose(evidence: Mapping[str, object]) -> list[Finding]:
    """The broken link of a call's chain, and on whose side it is, by what was seen on the way.

    Args:
        evidence: what was seen, as docs/troubleshooting.md has it; what was not looked at is left out. Bodies may be bytes.

    Returns:
        What is broken; empty where nothing is.

    Raises:
        ValidationError: `invalid_option` if the evidence has other keys or values.
    """

def _explain(exchange: Mapping[str, object]) -> list[Finding]:
    """A hook for the tests: an exchange as every face passes it."""

def canonical_url(url: str) -> str:
    """The URL in the form in which every verifier reads it alike, ready to be signed and sent.

    Dot segments are resolved and `//` left alone; what cannot be sent is percent-encoded as UTF-8; the query is encoded
    strictly and sorted by key; scheme and host are in lower case, without default port, user info and fragment.

    Raises:
        ValidationError: `invalid_url` if it is relative or malformed, or holds a control character.
    """

def _refusal(code: str, about: str) -> Exception:
    """The error of a refusal that a face finds: its code, and what it is about."""

def _trace(
    credentials: Credentials,
    region: str,
    service: str,
    method: str,
    url: str,
    headers: _Headers,
    body: object,
    *,
    now: datetime,
    percent_encoding: str,
    normalize_path: bool,
    payload_header: str,
    sign_session_token: bool,
    sign_all_headers: bool,
    expires_in: int | None = None,
) -> dict[str, Any]: ...
def _within_origin(url: str, target: str) -> str | None:
    """The canonical form of `target`, if it lies in the origin of `url`: both are absolute, and taken as they will be sent."""

class _FrozenCredentials(Protocol):
    @property
    def access_key(self) -> str: ...
    @property
    def secret_key(self) -> str: ...
    @property
    def token(self) -> str | None: ...

class _BotocoreCredentials(Protocol):
    def get_frozen_credentials(self) -> Any: ...

class _BotocoreSession(Protocol):
    def get_credentials(self) -> Any: ...

_Botocore = _BotocoreSession | _BotocoreCredentials | _FrozenCredentials
_Source = (
    Credentials | Environment | DefaultCredentials | AssumeRole | Callable[[], Credentials | _Botocore] | _Botocore
)
