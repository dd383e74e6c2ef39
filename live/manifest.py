"""The small manifest: every kind of API, by role and direct; callers with all routes, with some, and with terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

BY_ROLE = ("http", "rest", "url")
DIRECT = ("rest-direct", "url-direct")
STAGES = BY_ROLE + DIRECT

CALLERS = {"whole": STAGES, "reader": ("http", "rest", "rest-direct"), "partner": BY_ROLE, "silent": STAGES}
"""Who may call which stage. `silent` has nothing attached to its own role: across accounts both sides have to allow."""

STRANGER = "stranger"
"""A role of the callers' account that no document of the provider's names. It has the policy of `whole`."""

PATH = "/xacct-live/"
"""The path of every role, in both accounts: what a run makes is easily found."""

TAG = "xacct-sign-live"
"""The key of the tag that everything has. Its value is the run's id."""


def name(run: str, what: str) -> str:
    """How a stack, a function or a caller's role of a run is called."""
    return f"xacct-live-{run}-{what}"


@dataclass(frozen=True)
class Apis:
    """What AWS called the APIs, and where it serves each stage."""

    http: str
    rest: str
    rest_direct: str
    urls: Mapping[str, str]

    def url_id(self, stage: str) -> str:
        """What the host of a function URL begins with."""
        return (urlsplit(self.urls[stage]).hostname or "").split(".")[0]


def external_id(run: str) -> str:
    """What `partner` has to send."""
    return f"external-{run}"


def manifest(run: str, region: str, provider: str, caller: str, apis: Apis) -> str:
    """The text of `xacct.toml`; each value is an id of AWS's or of the run's, so none needs escaping."""

    def roles(who: str) -> str:
        role = f"{PATH.strip('/')}/{name(run, who)}"
        return ", ".join(f'{stage} = "{role}"' for stage in CALLERS[who])

    return f"""# Made by `make live`, for the run {run}.
[api]
account = "{provider}"
region = "{region}"
role_name = "XacctLive{run}"
path = "{PATH}"
tags = {{ {TAG} = "{run}" }}

[stages.http]
api_id = "{apis.http}"

[stages.rest]
target = "rest_api"
api_id = "{apis.rest}"
api_stage = "v1"

[stages.url]
target = "function_url"
function = "{name(run, "alias")}"
alias = "live"
url_id = "{apis.url_id("url")}"

[stages.rest-direct]
target = "rest_api"
access = "direct"
api_id = "{apis.rest_direct}"
api_stage = "v1"

[stages.url-direct]
target = "function_url"
access = "direct"
function = "{name(run, "direct")}"
url_id = "{apis.url_id("url-direct")}"

[callers.whole]
account = "{caller}"
roles = {{ {roles("whole")} }}

[callers.reader]
account = "{caller}"
roles = {{ {roles("reader")} }}
routes = ["GET /items", "GET /items/{{id}}"]
accept = {{ wildcard_spans_segments = "a deeper path is called, too" }}

[callers.partner]
account = "{caller}"
roles = {{ {roles("partner")} }}
external_id = "{external_id(run)}"
session_names = ["partner-*"]

[callers.silent]
account = "{caller}"
roles = {{ {roles("silent")} }}
"""
