"""A Lambda function that calls an API of another account. Its own role is in the environment.

Package it: `pip install --target package xacct_sign`, and this file beside.
"""

import os
from typing import Any

import xacct_sign

# Outside the handler, so that the role's credentials are kept from one invocation to the next.
api = xacct_sign.Session(os.environ["API_ROLE_ARN"], region=os.environ["API_REGION"])


def handler(event: dict[str, Any], context: object) -> Any:
    """Puts the event to the API, and gives what it answers."""
    answer = api.put(os.environ["API_URL"] + "/hoge", json=event)
    answer.raise_for_status()
    return answer.json()
