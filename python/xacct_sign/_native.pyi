from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, final

__all__ = [
    "AssumeRole",
    "Credentials",
    "PayloadHash",
    "Session",
    "Signer",
    "Signing",
    "_dumps",
    "_join_url",
    "_reachable_url",
    "_trace",
    "canonical_url",
]

_Headers = Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]]

@final
class Credentials:
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
    def expires_at(self) -> datetime | None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class PayloadHash:
    def __new__(cls, sha256: str) -> PayloadHash: ...
    @staticmethod
    def unsigned() -> PayloadHash: ...

@final
class Signer:
    def __new__(cls, credentials: Credentials, region: str, service: str = "execute-api") -> Signer: ...
    @property
    def credentials(self) -> Credentials: ...
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
    ) -> dict[str, str]: ...
    def presign(
        self,
        method: str,
        url: str,
        *,
        expires_in: int = 900,
        headers: _Headers | None = None,
        body: object = None,
        now: datetime | None = None,
    ) -> str: ...

@final
class AssumeRole:
    def __new__(
        cls,
        role_arn: str,
        *,
        region: str,
        session_name: str | None = None,
        external_id: str | None = None,
        duration_seconds: int = 3600,
        policy: str | None = None,
        policy_arns: Sequence[str] = ...,
        tags: dict[str, str] | None = None,
        transitive_tag_keys: Sequence[str] = ...,
        source_identity: str | None = None,
        base: Credentials | None = None,
        sts_endpoint: str | None = None,
    ) -> AssumeRole: ...
    def credentials(self) -> Credentials: ...
    @property
    def role_arn(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def session_name(self) -> str: ...

@final
class Session:
    def __new__(
        cls,
        source: Credentials | AssumeRole | None,
        region: str | None,
        service: str,
        base_url: str | None,
    ) -> Session: ...
    def send(
        self,
        method: str,
        url: str,
        query: Sequence[tuple[str, str]],
        headers: _Headers | None,
        body: object,
        connect_timeout: float | None,
        read_timeout: float | None,
    ) -> tuple[int, str, list[tuple[str, str]], bytes]: ...

@final
class Signing:
    def __new__(cls, source: Credentials | AssumeRole, region: str | None, service: str) -> Signing: ...
    def sign(self, method: str, url: str, headers: _Headers, body: object) -> dict[str, str]: ...

def _join_url(url: str, reference: str) -> tuple[str, bool]: ...
def _reachable_url(url: str) -> str: ...
def _dumps(value: object) -> bytes | None: ...
def canonical_url(url: str) -> str: ...
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
