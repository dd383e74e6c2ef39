"""A role's credentials for boto3: `boto3.Session(botocore_session=session(role, region=...))`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from botocore.credentials import (  # type: ignore[import-untyped]
    CredentialProvider,
    CredentialResolver,
    Credentials,
    ReadOnlyCredentials,
)
from botocore.session import Session  # type: ignore[import-untyped]

from ._errors import ValidationError
from ._native import AssumeRole
from ._session import _source

if TYPE_CHECKING:
    from ._native import _Source

__all__ = ["session"]


def session(role: str | AssumeRole, *, region: str | None = None, credentials: _Source | None = None) -> Any:
    """A `botocore.session.Session` that signs as the role, for as long as it lives.

    Its credentials are asked for whenever a client signs: an `AssumeRole` refreshes them, once for all who share it,
    with the times and the errors that it has everywhere.

    Args:
        role: the ARN of the role to assume, or an `AssumeRole`.
        region: the region of the clients that the session makes; left out, that of the `AssumeRole`, else `AWS_REGION`,
            `AWS_DEFAULT_REGION` or the profile's.
        credentials: the base credentials of a role that is given by its ARN, as `AssumeRole` takes them.

    Raises:
        ValidationError: as `xacct_sign.Session`.
    """
    source = _source(role, region, credentials, None)
    if not isinstance(source, AssumeRole):
        raise ValidationError(
            "no role to assume is given",
            code="role_not_given",
            hint="give the role's ARN (is the variable it comes from unset?)",
        )
    # botocore knows the second of these alone.
    region = region or source.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    made = Session()
    if region:
        made.set_config_variable("region", region)
    made.register_component("credential_provider", CredentialResolver([_Provider(source)]))
    return made


class _Provider(CredentialProvider):  # type: ignore[misc]
    """What botocore asks for credentials: the only one there is."""

    METHOD = "xacct-sign"

    def __init__(self, role: AssumeRole) -> None:
        """Of a role."""
        super().__init__()
        self._role = role

    def load(self) -> _RoleCredentials:
        """Nothing is fetched yet."""
        return _RoleCredentials(self._role)


class _RoleCredentials(Credentials):  # type: ignore[misc]
    """A role's credentials as botocore has them: signers take the parts together, by `get_frozen_credentials`."""

    def __init__(self, role: AssumeRole) -> None:
        """Of a role. The base class would keep the parts."""
        self.method = _Provider.METHOD
        self.account_id = role.role_arn.split(":")[4]
        self._role = role

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Those that are valid now."""
        now = self._role.credentials()
        return ReadOnlyCredentials(now.access_key_id, now.secret_access_key, now.session_token, self.account_id)

    @property
    def access_key(self) -> str:
        """Of now."""
        return self._role.credentials().access_key_id

    @property
    def secret_key(self) -> str:
        """Of now."""
        return self._role.credentials().secret_access_key

    @property
    def token(self) -> str | None:
        """Of now."""
        return self._role.credentials().session_token
