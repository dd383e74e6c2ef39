"""`python -m live run` and `python -m live undo`."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from live import aws
from live.accounts import Accounts, named
from live.deploy import Run, deploy
from live.failure import Failure
from live.journal import RUNS, Head, Journal, left
from live.manifest import Apis
from live.product import Product
from live.stacks import Pause
from live.undo import undo, undo_earlier

CONFIRMED = "XACCT_LIVE_YES"

OK, FAILED, REFUSED = 0, 1, 2
"""Refused is what was told before anything was made."""


def say(line: str) -> None:
    """A line, at once. Where its terminal was closed, what was made is removed all the same."""
    with suppress(OSError):
        print(line, flush=True)


def shown(accounts: Accounts) -> str:
    """What is going to happen, and where."""
    provider, caller = accounts.provider, accounts.caller
    return f"""The API and its documents go into {provider.id}, as {provider.arn} (profile `{provider.profile}`).
The callers' roles go into {caller.id}, as {caller.arn} (profile `{caller.profile}`).
All in {provider.region}, in CloudFormation stacks whose names begin with `xacct-live-`; all are removed at the end."""


def confirm() -> None:
    """Asks on a terminal, unless the environment says so."""
    if os.environ.get(CONFIRMED) == "1":
        return
    if not sys.stdin.isatty():
        raise Failure("nobody can be asked whether to go on", f"set {CONFIRMED}=1 if these are the accounts you mean")
    try:
        answer = input("Go on? Type yes: ")
    except EOFError:
        answer = ""
    if answer.strip() != "yes":
        raise Failure("that was no yes", "nothing was made")


def begin(accounts: Accounts, runs: Path) -> Journal:
    """A run's journal; a run that left something comes first."""
    if earlier := [path.parent.name for path in left(runs)]:
        raise Failure(f"the run `{earlier[0]}` has left something, or is not over", "`make live-undo` removes it")
    provider, caller = accounts.provider, accounts.caller
    run = secrets.token_hex(4)
    return Journal.begin(Head(run, provider.region, provider.profile, provider.id, caller.profile, caller.id), runs)


def go(
    accounts: Accounts,
    journal: Journal,
    product: Product,
    calls: Callable[[Run, Apis], bool],
    pause: Pause = time.sleep,
) -> bool:
    """Deploys, makes the calls, and removes, whatever happens before. Whether all went well, and nothing is left."""
    run = Run(journal.head.run, accounts, journal, product, say, pause)
    well = False
    try:
        well = calls(run, deploy(run))
    except Failure as failure:
        say(failure.told())
    except (BotoCoreError, ClientError) as error:
        say(f"error: AWS refused: {error}")
    except KeyboardInterrupt:
        say("interrupted: what was made is removed now")
    finally:
        # After any other exception, too, which then goes on.
        clean = undo(journal, accounts, say, pause)
    if well and clean:
        shutil.rmtree(product.folder)
    else:
        say(f"the run's documents are in {product.folder}")
    return well and clean


def interrupted(number: int, frame: FrameType | None) -> None:
    """SIGTERM and SIGHUP end a run as Ctrl-C does."""
    raise KeyboardInterrupt


def command() -> Path:
    """The command `xacct-sign` that is tried."""
    path = Path(os.environ.get("XACCT_SIGN_BIN") or Path(__file__).parents[1] / "target" / "release" / "xacct-sign")
    if not path.is_file():
        raise Failure(f"{path} is missing", "run `make live`, which builds it, or set XACCT_SIGN_BIN")
    return path.absolute()


def main(arguments: list[str], runs: Path = RUNS) -> int:
    """Runs, or removes what earlier runs left."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        if arguments == ["undo"]:
            return OK if undo_earlier(say, runs) else FAILED
        if arguments != ["run"]:
            raise Failure("the arguments are `run` or `undo`", "`make live` and `make live-undo` give them")
        accounts = named(os.environ)
        say(shown(accounts))
        found = command()
        confirm()
        journal = begin(accounts, runs)
    except Failure as failure:
        print(failure.told(), file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return FAILED
    try:
        return OK if go(accounts, journal, Product(found, journal.path.parent), aws.calls) else FAILED
    except KeyboardInterrupt:
        say(f"interrupted while removing: `make live-undo` removes what is left of the run {journal.head.run}")
        return FAILED
    finally:
        journal.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
