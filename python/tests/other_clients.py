"""Other people's clients, each called the way its users call it; and the command, which stands beside curl."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import xacct_sign

SERVICE = "execute-api"


@dataclass(frozen=True)
class Call:
    """A request as a user means it, and whose it is."""

    keys: xacct_sign.Credentials
    region: str
    method: str
    base: str
    path: str
    headers: dict[str, str]
    body: bytes | None
    signed_at: str | None = None
    """For clients whose clock is not this process's: the time of the signature."""

    @property
    def url(self) -> str:
        return self.base + self.path

    @property
    def host(self) -> str:
        return self.base.partition("://")[2]


def aws_requests_auth(call: Call) -> None:
    from aws_requests_auth.aws_auth import AWSRequestsAuth

    keys = call.keys
    by_requests(
        call,
        AWSRequestsAuth(
            aws_access_key=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_token=keys.session_token,
            aws_host=call.host,
            aws_region=call.region,
            aws_service=SERVICE,
        ),
    )


def requests_auth_aws_sigv4(call: Call) -> None:
    from requests_auth_aws_sigv4 import AWSSigV4

    keys = call.keys
    by_requests(
        call,
        AWSSigV4(
            SERVICE,
            region=call.region,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token,
        ),
    )


def requests_iamauth(call: Call) -> None:
    import boto3
    from iamauth import IAMAuth

    keys = call.keys
    session = boto3.Session(keys.access_key_id, keys.secret_access_key, keys.session_token, region_name=call.region)
    by_requests(call, IAMAuth(SERVICE, session))


def by_requests(call: Call, auth: Any) -> None:
    import requests

    requests.request(call.method, call.url, headers=call.headers, data=call.body, auth=auth, timeout=30)


def httpx_aws_auth(call: Call) -> None:
    from httpx_aws_auth import AwsCredentials, AwsSigV4Auth

    keys = call.keys
    credentials = AwsCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    by_httpx(call, AwsSigV4Auth(credentials, call.region), call.headers)


def httpx_auth_awssigv4(call: Call) -> None:
    from httpx_auth_awssigv4 import SigV4Auth

    keys = call.keys
    auth = SigV4Auth(keys.access_key_id, keys.secret_access_key, SERVICE, call.region, keys.session_token)
    # It signs the host without the port, as it stands at AWS.
    by_httpx(call, auth, {"host": call.host.partition(":")[0], **call.headers})


def by_httpx(call: Call, auth: Any, headers: dict[str, str]) -> None:
    import httpx

    httpx.request(call.method, call.url, headers=headers, content=call.body, auth=auth)


def aiobotocore(call: Call) -> None:
    from aiobotocore.credentials import AioCredentials
    from aiobotocore.httpsession import AIOHTTPSession
    from aiobotocore.session import get_session
    from aiobotocore.signers import AioRequestSigner
    from botocore.awsrequest import AWSRequest
    from botocore.model import ServiceId

    keys = call.keys

    async def send() -> None:
        session = get_session()
        signer = AioRequestSigner(
            ServiceId("ApiGateway"),
            call.region,
            SERVICE,
            "v4",
            AioCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token),
            session.get_component("event_emitter"),
        )
        request = AWSRequest(call.method, call.url, dict(call.headers), call.body)
        await signer.sign("Invoke", request)
        async with AIOHTTPSession() as http:
            await http.send(request.prepare())

    asyncio.run(send())


def awscurl(call: Call) -> None:
    from awscurl.awscurl import inner_main

    keys = call.keys
    options = ["--service", SERVICE, "--region", call.region, "-X", call.method]
    options += ["--access_key", keys.access_key_id, "--secret_key", keys.secret_access_key]
    options += ["--session_token", keys.session_token or ""]
    for name, value in call.headers.items():
        options += ["-H", f"{name}: {value}"]
    if call.body is not None:
        # Without the option it takes text alone.
        try:
            options += ["-d", call.body.decode()]
        except UnicodeDecodeError:
            with open("body", "wb") as file:
                file.write(call.body)
            options += ["--data-binary", "-d", "@body"]
    inner_main([*options, call.url])


def curl(call: Call) -> None:
    keys = call.keys
    command = ["curl", "--silent", "--show-error", "--output", "/dev/null", "--max-time", "30"]
    command += ["--aws-sigv4", f"aws:amz:{call.region}:{SERVICE}"]
    command += ["--user", f"{keys.access_key_id}:{keys.secret_access_key}", "--request", call.method]
    headers = dict(call.headers)
    if keys.session_token:
        headers["x-amz-security-token"] = keys.session_token
    if call.signed_at:
        headers["x-amz-date"] = call.signed_at
    for name, value in headers.items():
        command += ["--header", f"{name}: {value}"]
    if call.body is not None:
        command += ["--data-binary", "@-"]
    subprocess.run([*command, call.url], input=call.body or b"", check=True, capture_output=True)


def xacct_sign_call(call: Call) -> None:
    from emulator import cli

    keys = call.keys
    command = [cli(), "call", "--output", os.devnull, "--max-time", "30", "--region", call.region, "-X", call.method]
    for name, value in call.headers.items():
        command += ["--header", f"{name}: {value}"]
    if call.body is not None:
        command += ["--data-binary", "@-"]
        if "content-type" not in call.headers:
            command += ["--header", "content-type:"]
    own = {"AWS_ACCESS_KEY_ID": keys.access_key_id, "AWS_SECRET_ACCESS_KEY": keys.secret_access_key}
    if keys.session_token:
        own["AWS_SESSION_TOKEN"] = keys.session_token
    subprocess.run([*command, call.url], input=call.body or b"", env=own, check=True, capture_output=True)


CLIENTS: dict[str, Callable[[Call], None]] = {
    "aiobotocore": aiobotocore,
    "aws-requests-auth": aws_requests_auth,
    "awscurl": awscurl,
    "curl": curl,
    "httpx-auth-awssigv4": httpx_auth_awssigv4,
    "httpx-aws-auth": httpx_aws_auth,
    "requests-auth-aws-sigv4": requests_auth_aws_sigv4,
    "requests-iamauth": requests_iamauth,
    "xacct-sign call": xacct_sign_call,
}
