"""A caller in account 000000000000 uses an API in account 111111111111, on the local emulator.

Two calls that succeed, from Python and from Node, and four that are refused. Ends with 0 only if all went as they
should. It runs with the wheel and the npm package alone: `make demo` builds these and the command, and starts this.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import xacct_sign

COMMAND = os.environ["XACCT_SIGN_BIN"]
MANIFEST = str(Path(__file__).with_name("xacct.toml"))
NODE_PROGRAM = Path(__file__).with_name("call.mjs")
# A folder in which the npm package is installed.
NODE_APP = os.environ["XACCT_SIGN_NODE_APP"]
CONTENT_TYPE = {"content-type": "application/json"}


class Emulator:
    """A running emulator: what it said when it was ready, and its log."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Waits for the line that says where everything is."""
        self._log: list[str] = []
        if process.stdout is None or process.stderr is None:
            raise RuntimeError("the emulator has no output")
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"the emulator did not start:\n{process.stderr.read()}")
        self.ready: dict[str, Any] = json.loads(line)
        threading.Thread(target=self._log.extend, args=(process.stderr,), daemon=True).start()

    @property
    def last_log_line(self) -> str:
        """The last line of the log, without its time."""
        time.sleep(0.2)  # The log goes through a pipe and a thread.
        return self._log[-1].strip() if self._log else "(no log)"

    def caller(self, stage: str) -> tuple[xacct_sign.Credentials, str]:
        """The credentials of a caller that may assume the role of a stage, and that role's ARN."""
        for caller in self.ready["callers"]:
            if stage in caller["may_assume"]:
                return xacct_sign.Credentials(**caller["credentials"]), caller["may_assume"][stage]
        raise LookupError(stage)

    def url(self, stage: str) -> str:
        """The URL of a stage's API."""
        return str(self.ready["stages"][stage]["url"])


@contextmanager
def emulator(*arguments: str) -> Iterator[Emulator]:
    """An emulator while the block runs."""
    command = [COMMAND, "emulator", "--manifest", MANIFEST, "--explain", "--json", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield Emulator(process)
    finally:
        process.terminate()
        process.wait(10)


def send(method: str, url: str, headers: dict[str, str], body: bytes) -> tuple[int, str, str]:
    """Sends a request that is signed already, by another client: status, body, reason."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request(method, parts.path, body, headers)
    answer = connection.getresponse()
    status, text, reason = answer.status, answer.read().decode(), answer.headers.get("x-xacct-reason", "")
    connection.close()
    return status, text, reason


def trust_policy() -> None:
    """Shows the document that lets the caller in."""
    command = [COMMAND, "policy", "trust", "--manifest", MANIFEST, "--stage", "stag"]
    print(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def succeeds(running: Emulator) -> bool:
    """The caller assumes the role, signs, and is let in."""
    credentials, role_arn = running.caller("stag")
    # What a Lambda function with the role LambdaRoleDeve finds in its environment.
    os.environ["AWS_ACCESS_KEY_ID"] = credentials.access_key_id
    os.environ["AWS_SECRET_ACCESS_KEY"] = credentials.secret_access_key
    os.environ["AWS_SESSION_TOKEN"] = credentials.session_token or ""
    # What sends STS calls to the emulator instead of AWS.
    os.environ["AWS_ENDPOINT_URL_STS"] = running.ready["sts_url"]

    api = xacct_sign.Session(role_arn, region=running.ready["region"])
    answer = api.put(running.url("stag") + "/hoge", json={"foo": "bar"})
    return accepted(answer.status_code, answer.json())


def node_succeeds(running: Emulator) -> bool:
    """The same from Node, with the same environment."""
    _, role_arn = running.caller("stag")
    env = os.environ | {"API_ROLE_ARN": role_arn, "API_REGION": running.ready["region"], "API_URL": running.url("stag")}
    # Read from stdin, so that the package is the one in that folder.
    command = ["node", "--input-type=module", "-"]
    program = NODE_PROGRAM.read_text()
    done = subprocess.run(command, input=program, cwd=NODE_APP, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return accepted(**json.loads(done.stdout))


def accepted(status: int, seen: dict[str, Any]) -> bool:
    """Shows what the API saw."""
    print(f"  answer: {status}")
    print(f"  the API saw: {seen['method']} {seen['path']} with the body {seen['body']}")
    print(f"  from: {seen['requestContext']['authorizer']['iam']['userArn']}")
    return status == 200 and json.loads(seen["body"]) == {"foo": "bar"}


def outsider(running: Emulator) -> bool:
    """A valid identity that nobody trusts does not get the role."""
    _, role_arn = running.caller("stag")
    stranger = xacct_sign.Credentials(**running.ready["outsider"]["credentials"])
    role = xacct_sign.AssumeRole(role_arn, region=running.ready["region"], base=stranger)
    try:
        role.credentials()
    except xacct_sign.AssumeRoleError as error:
        print(f"  {type(error).__name__} [{error.code}, {error.status}]: {error}")
        print(f"  the emulator's log: {running.last_log_line}")
        return error.code == "assume_role_denied"
    return False


def refused(status: int, text: str, reason: str, expected: str) -> bool:
    """Shows a refusal of the gateway: the caller learns no more than that, the reason is the provider's."""
    print(f"  answer: {status} {text}")
    print(f"  the reason: {reason}")
    return status == 403 and reason.split(":")[0] == expected


def wrong_stage(running: Emulator) -> bool:
    """Credentials of stag's role do not open prod."""
    _, role_arn = running.caller("stag")
    region = running.ready["region"]
    role = xacct_sign.AssumeRole(role_arn, region=region)
    answer = xacct_sign.Session(role).put(running.url("prod") + "/hoge", json={"foo": "bar"})
    return refused(answer.status_code, answer.text, answer.headers.get("x-xacct-reason", ""), "not_allowed")


def changed_body(running: Emulator) -> bool:
    """A body that is not the one that was signed."""
    _, role_arn = running.caller("stag")
    region = running.ready["region"]
    signer = xacct_sign.Signer(xacct_sign.AssumeRole(role_arn, region=region).credentials(), region)
    url = running.url("stag") + "/hoge"
    headers = CONTENT_TYPE | signer.sign("PUT", url, CONTENT_TYPE, b'{"amount": 1}')
    return refused(*send("PUT", url, headers, b'{"amount": 1000000}'), "signature_mismatch")


def expired() -> bool:
    """Credentials that lived for one second, after two."""
    with emulator("--credential-lifetime", "1") as running:
        base, role_arn = running.caller("stag")
        region = running.ready["region"]
        role = xacct_sign.AssumeRole(role_arn, region=region, base=base, sts_endpoint=running.ready["sts_url"])
        credentials = role.credentials()
        time.sleep(2)
        url = running.url("stag") + "/hoge"
        headers = CONTENT_TYPE | xacct_sign.Signer(credentials, region).sign("PUT", url, CONTENT_TYPE, b"{}")
        return refused(*send("PUT", url, headers, b"{}"), "expired")


def main() -> int:
    """Shows all, and counts what went as it should."""
    print("The trust policy of ApiAllowByIamRoleStag in the provider's account, rendered from demo/xacct.toml:\n")
    trust_policy()
    with emulator() as running:
        steps: list[tuple[str, Callable[[], bool]]] = [
            ("The caller assumes the role and PUTs a document", lambda: succeeds(running)),
            ("The same from Node", lambda: node_succeeds(running)),
            ("Refused: an outsider assumes the role", lambda: outsider(running)),
            ("Refused: stag's credentials on prod", lambda: wrong_stage(running)),
            ("Refused: a body changed after signing", lambda: changed_body(running)),
            ("Refused: credentials that have expired", expired),
        ]
        outcomes = []
        for number, (title, step) in enumerate(steps, 1):
            print(f"{number}. {title}")
            outcomes.append(step())
            print(f"  {'as it should be' if outcomes[-1] else 'NOT AS IT SHOULD BE'}\n")
    print(f"{sum(outcomes)} of {len(outcomes)} went as they should.")
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
