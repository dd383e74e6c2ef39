"""A caller in account 000000000000 uses an API in account 111111111111, on the local emulator.

Two calls that succeed, from Python and from Node, and four that are refused; then each way into each kind of API, and
one that is refused there; then a server of FastAPI's that tells its callers itself, with no gateway in front. Ends with
0 only if all went as they should. It runs with the wheel, the npm package and FastAPI: `make demo` builds the first two
and the command, and starts this.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import xacct_sign

sys.path.insert(0, str(Path(__file__).parents[1] / "python" / "harness"))

from emulator import DEMO, FRONTS, Emulator, cli
from no_gateway import served

NODE_PROGRAM = Path(__file__).with_name("call.mjs")
# A folder in which the npm package is installed.
NODE_APP = os.environ["XACCT_SIGN_NODE_APP"]
CONTENT_TYPE = {"content-type": "application/json"}


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
    command = [str(cli()), "policy", "trust", "--manifest", str(DEMO), "--stage", "stag"]
    print(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def succeeds(running: Emulator) -> bool:
    """The caller assumes the role, signs, and is let in."""
    # What a Lambda function with the role LambdaRoleDeve finds in its environment.
    os.environ.update(running.environment())
    # What sends STS calls to the emulator instead of AWS.
    os.environ["AWS_ENDPOINT_URL_STS"] = running.sts_url

    api = xacct_sign.Session(running.role_arn(), region=running.region)
    answer = api.put(running.url("/hoge"), json={"foo": "bar"})
    return accepted(answer.status_code, answer.json())


def node_succeeds(running: Emulator) -> bool:
    """The same from Node, with the same environment."""
    api = {"API_ROLE_ARN": running.role_arn(), "API_REGION": running.region, "API_URL": running.url()}
    # Read from stdin, so that the package is the one in that folder.
    command = ["node", "--input-type=module", "-"]
    program = NODE_PROGRAM.read_text()
    done = subprocess.run(
        command, input=program, cwd=NODE_APP, env=os.environ | api, check=True, stdout=subprocess.PIPE, text=True
    )
    return accepted(**json.loads(done.stdout))


def accepted(status: int, seen: dict[str, Any]) -> bool:
    """Shows what the API saw."""
    print(f"  answer: {status}")
    print(f"  the API saw: {seen['method']} {seen['path']} with the body {seen['body']}")
    context = seen["requestContext"]
    # A REST API has it in another place than the others.
    identity = context["identity"] if "identity" in context else context["authorizer"]["iam"]
    print(f"  from: {identity['userArn']}")
    return status == 200 and json.loads(seen["body"]) == {"foo": "bar"}


def outsider(running: Emulator) -> bool:
    """A valid identity that nobody trusts does not get the role."""
    role = xacct_sign.AssumeRole(running.role_arn(), region=running.region, base=running.outsider())
    try:
        role.credentials()
    except xacct_sign.StsError as error:
        print(f"  {type(error).__name__} [{error.code}, {error.status}]: {error}")
        print(f"  the emulator's log: {running.log().splitlines()[-1].strip()}")
        return error.code == "sts_denied"
    return False


def refused(status: int, text: str, reason: str, expected: str) -> bool:
    """Shows a refusal of the gateway: the caller learns no more than that, the reason is the provider's."""
    print(f"  answer: {status} {text}")
    print(f"  the reason: {reason}")
    return status == 403 and reason.split(":")[0] == expected


def wrong_stage(running: Emulator) -> bool:
    """Credentials of stag's role do not open prod."""
    role = xacct_sign.AssumeRole(running.role_arn(), region=running.region)
    answer = xacct_sign.Session(role).put(running.url("/hoge", stage="prod"), json={"foo": "bar"})
    return refused(answer.status_code, answer.text, answer.headers.get("x-xacct-reason", ""), "not_allowed")


def changed_body(running: Emulator) -> bool:
    """A body that is not the one that was signed."""
    role = xacct_sign.AssumeRole(running.role_arn(), region=running.region)
    signer = xacct_sign.Signer(role)
    url = running.url("/hoge")
    headers = CONTENT_TYPE | signer.sign("PUT", url, CONTENT_TYPE, b'{"amount": 1}')
    return refused(*send("PUT", url, headers, b'{"amount": 1000000}'), "signature_mismatch")


def expired() -> bool:
    """Credentials that lived for one second, after two."""
    with Emulator("--explain", "--credential-lifetime", "1") as running:
        signer = xacct_sign.Signer(running.assume_role().credentials(), running.region)
        time.sleep(2)
        url = running.url("/hoge")
        headers = CONTENT_TYPE | signer.sign("PUT", url, CONTENT_TYPE, b"{}")
        return refused(*send("PUT", url, headers, b"{}"), "expired")


WAYS = {
    "An HTTP API, by role": "http",
    "A REST API, by role": "rest",
    "A REST API, directly": "restd",
    "A function URL, by role": "url",
    "A function URL, directly": "urld",
}
"""The stages of the manifest that has one of each."""


def way(running: Emulator, stage: str) -> bool:
    """The caller assumes the stage's role, or calls as what it is."""
    role = running.caller(stage=stage)["may_assume"].get(stage)
    # On loopback the URL does not tell what it is to be signed for.
    service = running.ready["stages"][stage]["service"]
    if role is None:
        api = xacct_sign.Session(credentials=running.base(stage=stage), region=running.region, service=service)
    else:
        assumed = running.assume_role(stage=stage)
        api = xacct_sign.Session(assumed, region=running.region, service=service)
    answer = api.put(running.url("/hoge", stage), json={"foo": "bar"})
    return accepted(answer.status_code, answer.json())


def not_named(running: Emulator) -> bool:
    """Whom the policy of a REST API does not name is told so."""
    api = xacct_sign.Session(credentials=running.outsider(), region=running.region)
    answer = api.put(running.url("/hoge", "restd"), json={"foo": "bar"})
    return refused(answer.status_code, answer.text, answer.headers.get("x-xacct-reason", ""), "not_allowed")


def main() -> int:
    """Shows all, and counts what went as it should."""
    print("The trust policy of ApiAllowByIamRoleStag in the provider's account, rendered from demo/xacct.toml:\n")
    trust_policy()
    with Emulator("--explain") as running, Emulator("--explain", manifest=FRONTS) as fronts, served() as server:
        steps: list[tuple[str, Callable[[], bool]]] = [
            ("The caller assumes the role and PUTs a document", lambda: succeeds(running)),
            ("The same from Node", lambda: node_succeeds(running)),
            ("Refused: an outsider assumes the role", lambda: outsider(running)),
            ("Refused: stag's credentials on prod", lambda: wrong_stage(running)),
            ("Refused: a body changed after signing", lambda: changed_body(running)),
            ("Refused: credentials that have expired", expired),
            *((title, partial(way, fronts, stage)) for title, stage in WAYS.items()),
            ("Refused: an outsider calls the REST API directly", lambda: not_named(fronts)),
            ("FastAPI and no gateway: a caller shows its token", server.by_token),
            ("FastAPI and no gateway: a caller shows a proof", server.by_proof),
            ("Refused: an outsider's proof", server.outsider),
            ("Refused: a caller on a route of others", server.another_route),
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
