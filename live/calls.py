"""One call, by each of those that make calls: the product's session, its command, and botocore beside them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import xacct_sign
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from botocore.httpsession import URLLib3Session  # type: ignore[import-untyped]


@dataclass(frozen=True)
class Request:
    """What is sent."""

    method: str
    path: str
    query: str = ""
    body: bytes | None = None

    def __str__(self) -> str:
        """As it is listed."""
        return f"{self.method} {self.path}{self.query}"

    @property
    def headers(self) -> dict[str, str]:
        """A body is JSON."""
        return {} if self.body is None else {"content-type": "application/json"}


@dataclass(frozen=True)
class Way:
    """Where it goes, and as whom."""

    url: str
    region: str
    service: str
    base: xacct_sign.Credentials
    role: str | None
    external_id: str | None = None
    session_name: str = "xacct-live"
    tells_service: bool = True
    """Whether the URL's host tells the product what to sign for. That of an emulator does not."""

    def to(self, request: Request) -> str:
        """The whole URL."""
        return self.url.rstrip("/") + request.path + request.query

    def changed(self, **parts: Any) -> Way:
        """Another that differs in that."""
        return replace(self, **parts)


@dataclass(frozen=True)
class Outcome:
    """Who answered what: `sts` refused the role, `api` answered; `nobody` did where there was no answer."""

    by: str
    status: int
    text: str


Face = Callable[[Way, Request], Outcome]


def _source(way: Way) -> xacct_sign.AssumeRole | xacct_sign.Credentials:
    if way.role is None:
        return way.base
    return xacct_sign.AssumeRole(
        way.role, region=way.region, base=way.base, external_id=way.external_id, session_name=way.session_name
    )


def by_session(way: Way, request: Request) -> Outcome:
    """`xacct_sign.Session`."""
    source = _source(way)
    options: dict[str, Any] = {"region": way.region}
    if not way.tells_service:
        options["service"] = way.service
    try:
        if isinstance(source, xacct_sign.Credentials):
            api = xacct_sign.Session(credentials=source, **options)
        else:
            api = xacct_sign.Session(source, **options)
        with api:
            answer = api.request(request.method, way.to(request), headers=request.headers, data=request.body)
            return Outcome("api", answer.status_code, answer.text)
    except xacct_sign.XacctSignError as error:
        return _failed(error)


def _failed(error: xacct_sign.XacctSignError) -> Outcome:
    """Only a denial counts as STS's answer: a throttled call says nothing of documents."""
    if error.code == "sts_denied":
        return Outcome("sts", 403, str(error))
    return Outcome("nobody", 0, f"{error.code}: {error}")


def by_command(command: Path) -> Face:
    """`xacct-sign call`."""

    def call(way: Way, request: Request) -> Outcome:
        arguments = ["--no-cache", "--region", way.region, "-i", "-X", request.method]
        if not way.tells_service:
            arguments += ["--service", way.service]
        if way.role is not None:
            arguments += ["--role", way.role, "--session-name", way.session_name]
            if way.external_id is not None:
                arguments += ["--external-id", way.external_id]
        if request.body is not None:
            arguments += ["--json", request.body.decode()]
        whole = [str(command), "call", *arguments, way.to(request)]
        done = subprocess.run(whole, env=_environment(way.base), capture_output=True, text=True)
        if done.returncode == 0:
            head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
            return Outcome("api", int(head.split(" ")[1]), body)
        if "error[sts_denied]" in done.stderr:
            return Outcome("sts", 403, done.stderr.strip())
        return Outcome("nobody", 0, done.stderr.strip())

    return call


def _environment(base: xacct_sign.Credentials) -> Mapping[str, str]:
    """What a program with these credentials finds, and nothing else of AWS but where STS is."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") or name.startswith("AWS_ENDPOINT_URL")
    }
    return kept | {
        "AWS_ACCESS_KEY_ID": base.access_key_id,
        "AWS_SECRET_ACCESS_KEY": base.secret_access_key,
        "AWS_SESSION_TOKEN": base.session_token or "",
    }


def by_botocore(way: Way, request: Request) -> Outcome:
    """AWS's own signer and client."""
    try:
        signer = SigV4Auth(_botocore_credentials(way), way.service, way.region)
        signed = AWSRequest(request.method, way.to(request), headers=request.headers, data=request.body)
        signer.add_auth(signed)
        return _sent(signed)
    except ClientError as error:
        return _refused(error)
    except BotoCoreError as error:
        return Outcome("nobody", 0, str(error))


def _botocore_credentials(way: Way) -> Credentials:
    """The role's, or the caller's own."""
    base = way.base
    if way.role is None:
        return Credentials(base.access_key_id, base.secret_access_key, base.session_token)
    terms = {} if way.external_id is None else {"ExternalId": way.external_id}
    session = boto3.Session(base.access_key_id, base.secret_access_key, base.session_token)
    with closing(session.client("sts", region_name=way.region)) as sts:
        given = sts.assume_role(RoleArn=way.role, RoleSessionName=way.session_name, **terms)["Credentials"]
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def _sent(request: AWSRequest) -> Outcome:
    with closing(URLLib3Session()) as http:
        answer = http.send(request.prepare())
        return Outcome("api", answer.status_code, answer.text)


def _refused(error: ClientError) -> Outcome:
    told = error.response
    by = "sts" if error.operation_name == "AssumeRole" else "api"
    return Outcome(by, told["ResponseMetadata"]["HTTPStatusCode"], str(error))


def unsigned(way: Way, request: Request) -> Outcome:
    """Nobody signs."""
    try:
        return _sent(AWSRequest(request.method, way.to(request), headers=request.headers, data=request.body))
    except BotoCoreError as error:
        return Outcome("nobody", 0, str(error))


def changed_after_signing(way: Way, request: Request) -> Outcome:
    """The body is another one than was signed."""
    url = way.to(request)
    try:
        signer = xacct_sign.Signer(_source(way), way.region, way.service)
        headers = request.headers | dict(signer.sign(request.method, url, request.headers, b'{"amount":1}'))
        return _sent(AWSRequest(request.method, url, headers=headers, data=b'{"amount":1000000}'))
    except xacct_sign.XacctSignError as error:
        return _failed(error)
    except BotoCoreError as error:
        return Outcome("nobody", 0, str(error))


def past_the_url(function: str) -> Face:
    """The function is invoked by Lambda's own API, which nobody was given."""

    def invoke(way: Way, request: Request) -> Outcome:
        del request
        try:
            given = _botocore_credentials(way)
            session = boto3.Session(given.access_key, given.secret_key, given.token)
            with closing(session.client("lambda", region_name=way.region)) as api:
                answer = api.invoke(FunctionName=function, Payload=b"{}")
                return Outcome("api", answer["StatusCode"], "it was invoked")
        except ClientError as error:
            return _refused(error)
        except BotoCoreError as error:
            return Outcome("nobody", 0, str(error))

    return invoke
