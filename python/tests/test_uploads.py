"""Large data through S3, as docs/choosing.md has it: the page's two programs, moto's S3, and botocore's signature."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import botocore.auth
import pytest
import time_machine
import xacct_sign
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from emulator import REPOSITORY, Emulator
from helpers import Answer, Request, moto_server, serve

NOW = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)
KEYS = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "TOKEN")
URL = "https://uploads.s3.ap-northeast-1.amazonaws.com/reports/1"


def presigned(**headers: str) -> dict[str, list[str]]:
    signer = xacct_sign.Signer(xacct_sign.Credentials(*KEYS), "ap-northeast-1", "s3")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return parse_qs(urlsplit(signer.presign("PUT", URL, headers=named, expires_in=300, now=NOW)).query)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-length": "5", "x-amz-checksum-sha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="},
        {"content-length": "5"},
        {"x-amz-checksum-sha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=", "content-type": "text/plain"},
    ],
)
def test_a_url_for_an_upload_is_botocores(headers: dict[str, str]) -> None:
    request = AWSRequest(method="PUT", url=URL, headers=headers)
    auth = botocore.auth.S3SigV4QueryAuth(Credentials(*KEYS), "s3", "ap-northeast-1", expires=300)
    with time_machine.travel(NOW, tick=False):
        auth.add_auth(request)
    theirs = parse_qs(urlsplit(request.url).query)
    signer = xacct_sign.Signer(xacct_sign.Credentials(*KEYS), "ap-northeast-1", "s3")
    ours = parse_qs(urlsplit(signer.presign("PUT", URL, headers=headers, expires_in=300, now=NOW)).query)
    assert ours == theirs


def test_a_url_binds_the_length_that_is_given() -> None:
    five, six, none = presigned(content_length="5"), presigned(content_length="6"), presigned()
    assert five["X-Amz-SignedHeaders"] == six["X-Amz-SignedHeaders"] == ["content-length;host"]
    assert none["X-Amz-SignedHeaders"] == ["host"]
    assert len({one["X-Amz-Signature"][0] for one in (five, six, none)}) == 3


def snippets() -> list[str]:
    page = (REPOSITORY / "docs" / "choosing.md").read_text()
    return re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)


def test_a_file_goes_to_s3_by_a_url_of_the_apis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, function, caller = snippets()
    content = b"a report of some length" * 1000
    (tmp_path / "report.pdf").write_bytes(content)
    with moto_server() as s3:
        client = boto3.client(
            "s3", region_name="ap-northeast-1", endpoint_url=s3, aws_access_key_id="x", aws_secret_access_key="x"
        )
        client.create_bucket(Bucket="uploads", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
        # The function behind the API, with a role of its own.
        for name, value in zip(("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"), KEYS, strict=True):
            monkeypatch.setenv(f"AWS_{name}", value)
        program: dict[str, Any] = {}
        exec(function.replace("https://uploads.s3.ap-northeast-1.amazonaws.com", f"{s3}/uploads"), program)

        given = []

        def api(request: Request) -> Answer:
            answer = program["handler"]({"body": request.body.decode()}, None)
            given.append(json.loads(answer["body"])["headers"])
            return Answer(answer["statusCode"], body=answer["body"].encode())

        with serve(api) as upstream, Emulator("--upstream", upstream.url) as running:
            text = caller.replace("https://server.stag.foo.example.com", running.url())
            (tmp_path / "program.py").write_text(text)
            environment = {**running.environment(), "AWS_ENDPOINT_URL_STS": running.sts_url}
            done = subprocess.run(
                [sys.executable, "program.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            for wrong in (
                '{"size": 6442450944, "sha256": ""}',
                "{}",
                '{"size": "abc", "sha256": ""}',
                '{"size": 1}',
                '{"size": 1e999, "sha256": ""}',
                "[]",
                "no",
            ):
                assert program["handler"]({"body": wrong}, None)["statusCode"] == 400, wrong
        (stored,) = client.list_objects_v2(Bucket="uploads")["Contents"]
        found = client.get_object(Bucket="uploads", Key=stored["Key"])
        assert found["Body"].read() == content
        # moto holds nobody to a signature: S3 does, to these.
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        assert given == [{"content-length": str(len(content)), "x-amz-checksum-sha256": digest}]
        client.close()
