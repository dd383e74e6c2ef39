"""Who is calling."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who is calling: one of the callers of the list.

    Attributes:
        name: the caller's name in the manifest: what to decide by.
        account: its account, 12 digits; None where it came in by a role that an organization, or every account, may
            assume.
        arn: as AWS said it: a role's with its path (by token), or a role's session's.
        role: the name of its own role, where it is known.
        session: the name of the role's session, which the caller chose; None for a token.
        organization: its organization, where AWS said it.
        via: how it is known: `token`, `proof`, `http_api`, `rest_api` or `function_url`.
    """

    name: str
    account: str | None = None
    arn: str
    role: str | None = None
    session: str | None = None
    organization: str | None = None
    via: str
