"""What the fixture `xacct_emulator` gives to a test."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from .._errors import ValidationError

__tracebackhide__ = True
"""What fails here fails the test: pytest shows the line of the test."""

if TYPE_CHECKING:
    from .. import Credentials
    from ._calls import Since


_open: list[dict[str, str | None]] = []
"""What those that are open have to put back, in the order in which they began."""


class _Call(NamedTuple):
    method: str
    path: str
    status: int | None
    stage: str
    caller: str | None


class Call(_Call):
    """What a test sent to an API; it compares with a tuple of all but the reason.

    Attributes:
        method: the method.
        path: the path as it was sent, without the query.
        status: that of the answer; None as long as there is none, and for good where the caller went away before.
        stage: the stage of the manifest whose API it was.
        caller: the caller of the manifest whose credentials signed, or assumed the role whose credentials did; None
            where nobody known signed, or the signature is wrong; and where nobody has looked, which is until all of the
            request is there, and where that is too long.
        reason: why it was refused, or had no answer: a code of the emulator's log and what happened, which no API says;
            None where it was let in.
    """

    reason: str | None = None


class Emulator:
    """STS and the APIs of a manifest, on this machine. The fixture `xacct_emulator` makes it.

    Attributes:
        sts_url: where STS is.
    """

    def __init__(self, ready: dict[str, Any], log: Since) -> None:
        """Of an emulator that runs: what it said when it was ready, and what it notes from now on."""
        self._ready = ready
        self._log = log
        self.sts_url: str = ready["sts_url"]

    def url(self, stage: str) -> str:
        """The URL of a stage's API, without a slash at its end."""
        return str(self._stage(stage)["url"])

    def credentials(self, caller: str, stage: str) -> Credentials:
        """A caller's own credentials, with which it calls this stage: not those of the role that it assumes for it."""
        from .. import Credentials

        return Credentials(**self._access(caller, stage)["credentials"])

    def callers(self, stage: str) -> str:
        """`callers.json` of a stage with the target `server`, with the emulator's issuers: for a server's own verifier.

        >>> Verifier(xacct_emulator.callers("prod"), development=True)  # doctest: +SKIP
        """
        callers = self._stage(stage).get("callers")
        if callers is None:
            raise ValidationError(
                f"the stage `{stage}` is no server, and has no list of callers",
                code="invalid_option",
                hint='give a stage with `target = "server"`',
            )
        return json.dumps(callers)

    def as_caller(self, caller: str, stage: str) -> contextlib.AbstractContextManager[None]:
        """Within it the environment is that of a caller which calls this stage.

        Its own credentials and the region are there, `AWS_ENDPOINT_URL_STS`, and as `XACCT_URL`, `XACCT_SERVICE` and
        `XACCT_ROLE_ARN` the API's URL, what requests are signed for, and the role to assume, if there is one. What
        would lead elsewhere is not: profiles, web identities, containers. What was there is put back at the end.

        It is `os.environ` of the whole process that changes: what has read it before goes on with what it read. One may
        stand within another; where two overlap, in threads or tasks, the first to end is told `as_caller_overlaps`.
        """
        variables = {**self._ready["environment"], **self._access(caller, stage)["environment"][stage]}
        proxy = self._ready["proxy"]
        # These are of the moment when the emulator started.
        return _AsCaller(caller, {name: variables[name] for name in variables.keys() - proxy["exempt"]}, proxy)

    @property
    def calls(self) -> list[Call]:
        """What this test has sent to the APIs up to now, refused or not, in the order in which it came."""
        entries = (entry for entry in self._log.entries() if entry["target"] != "sts")
        calls = []
        for entry in entries:
            call = Call(entry["method"], entry["path"], entry["status"], entry["target"], entry["caller"])
            call.reason = _reason(entry)
            calls.append(call)
        return calls

    def _refused(self) -> list[str]:
        """What was refused in this test, STS's refusals too, a line each."""
        return [
            f"{entry['target']} {entry['method']} {entry['path']} {entry['status'] or '-'} {_reason(entry)}"
            for entry in self._log.entries()
            if entry["reason"]
        ]

    def _stage(self, name: str) -> dict[str, Any]:
        stages: dict[str, dict[str, Any]] = self._ready["stages"]
        if not isinstance(name, str) or name not in stages:
            raise _unknown("stage", name, stages)
        return stages[name]

    def _access(self, caller: str, stage: str) -> dict[str, Any]:
        """A caller in the role with which it calls a stage."""
        self._stage(stage)
        access = [access for access in self._ready["callers"] if access["caller"] == caller]
        if not access:
            raise _unknown("caller", caller, {access["caller"] for access in self._ready["callers"]})
        for each in access:
            if stage in each["environment"]:
                return dict(each)
        there = ", ".join(sorted({name for each in access for name in each["environment"]}))
        raise ValidationError(
            f"the caller `{caller}` is not on the stage `{stage}`; it is on {there}",
            code="caller_not_on_stage",
            hint="give one of these, or add the stage to `roles` or `stages` of the caller in the manifest",
        )


class _AsCaller(contextlib.AbstractContextManager[None]):
    """The environment of a caller, as often as it is begun."""

    def __init__(self, caller: str, variables: dict[str, str | None], proxy: dict[str, list[str]]) -> None:
        self._caller = caller
        self._variables = variables
        self._proxy = proxy
        self._begun: list[dict[str, str | None]] = []

    def __enter__(self) -> None:
        variables = self._variables | _past_the_proxy(self._proxy)
        before = {name: os.environ.get(name) for name in variables}
        self._begun.append(before)
        _open.append(before)
        _put(variables)

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        # What failed within it is told before this is.
        if _ended(self._begun.pop()) and failed is None:
            raise ValidationError(
                f"another `as_caller` began within that of {_shown(self._caller)}, and has not ended",
                code="as_caller_overlaps",
                hint="let one end before the next begins, or run each in a process of its own: "
                "there is one environment in a process",
            )


def _reason(entry: dict[str, Any]) -> str | None:
    reason = entry["reason"]
    return reason and f"{reason['code']}: {reason['detail']}"


def _past_the_proxy(names: dict[str, list[str]]) -> dict[str, str]:
    """What has requests to this machine go past a proxy, if there is one now: an emulator may be older than that."""
    proxies, exempt = (list(filter(None, map(os.environ.get, names[kind]))) for kind in ("variables", "exempt"))
    if not proxies or exempt[:1] == ["*"]:
        return {}
    return dict.fromkeys(names["exempt"], ",".join([*exempt[:1], *names["hosts"]]))


def _unknown(kind: str, name: object, known: Any) -> ValidationError:
    there = ", ".join(f"`{each}`" for each in sorted(known)) or "none"
    return ValidationError(f"the manifest has no {kind} {_shown(name)}; there is {there}", code=f"unknown_{kind}")


def _shown(name: object) -> str:
    return f"`{name}`" if isinstance(name, str) and name.isprintable() else repr(name)


def _ended(before: dict[str, str | None]) -> bool:
    """Puts back what was there; where another has begun meanwhile, leaves that to it, and says so."""
    index = next(index for index, each in enumerate(_open) if each is before)
    later = _open[index + 1 :]
    del _open[index]
    if not later:
        _put(before)
        return False
    later[0].update(before)
    return True


def _put(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
