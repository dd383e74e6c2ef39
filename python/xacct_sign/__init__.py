"""Call an IAM-restricted API in another AWS account: assume the role, sign with SigV4, stay signed.

>>> import xacct_sign
>>> api = xacct_sign.Session("arn:aws:iam::000000000000:role/ApiAllowByIamRoleStag", region="ap-northeast-1")
>>> api.put("https://server.stag.foo.example.com/hoge", json={"foo": "bar"}).json()  # doctest: +SKIP

`Session` sends; `AssumeRole` gives credentials that stay fresh; `Signer` signs what another client sends, and
`xacct_sign.requests.SigV4Auth` does so for requests. `IdentityToken` and `IdentityProof` say who calls to a
server that has no API Gateway in front. `xacct_sign.botocore.session` gives boto3 a role's credentials.
"""

from __future__ import annotations

import copyreg

from . import _native
from ._errors import (
    CredentialsError,
    StsError,
    TransportError,
    TransportTimeout,
    ValidationError,
    XacctSignError,
)
from ._native import (
    AssumeRole,
    Credentials,
    DefaultCredentials,
    Environment,
    Finding,
    IdentityProof,
    IdentityToken,
    PayloadHash,
    Signer,
    canonical_url,
    diagnose,
)
from ._response import HttpStatusError, Response
from ._session import Session

UNSIGNED_PAYLOAD: PayloadHash = PayloadHash.unsigned()
"""As a body: leaves it out of the signature, for services that take that (Amazon S3; not API Gateway)."""


def _not_copied(_: object) -> str:
    raise TypeError(
        "credentials, and what signs with them, cannot be pickled or copied: share the object, or make another one"
    )


_CLASSES = (AssumeRole, Credentials, DefaultCredentials, Signer, _native.Session, _native.Signing, _native.Ready)
for _each in (*_CLASSES, IdentityProof, IdentityToken, _native.Bearing, _native.HttpHosts, _native.Stream):
    copyreg.pickle(_each, _not_copied)
del _each

__all__ = [
    "UNSIGNED_PAYLOAD",
    "AssumeRole",
    "Credentials",
    "CredentialsError",
    "DefaultCredentials",
    "Environment",
    "Finding",
    "HttpStatusError",
    "IdentityProof",
    "IdentityToken",
    "PayloadHash",
    "Response",
    "Session",
    "Signer",
    "StsError",
    "TransportError",
    "TransportTimeout",
    "ValidationError",
    "XacctSignError",
    "canonical_url",
    "diagnose",
]
