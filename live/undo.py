"""What a run made, removed in reverse."""

from __future__ import annotations

import time
from pathlib import Path

from live import stacks
from live.accounts import Account, Accounts, opened
from live.failure import Failure
from live.journal import RUNS, Journal, Stack, left
from live.stacks import Pause, Say

LATE_SECONDS = 5
"""How late a stack may turn up whose making was cut short: the question whether it is there may be faster."""


def undo(journal: Journal, accounts: Accounts, say: Say, pause: Pause = time.sleep) -> bool:
    """Removes every stack of the journal, the last first. Whether nothing is left; then the journal is gone, too."""
    run = journal.head.run
    clean = True
    for number, stack in enumerate(reversed(journal.stacks)):
        removed = _remove(stack, run, accounts, say, pause)
        if number == 0 and removed is False:
            # Only the last one may still be on its way.
            pause(LATE_SECONDS)
            removed = _remove(stack, run, accounts, say, pause)
        clean &= removed is not None
    if clean:
        journal.done()
    else:
        say(f"hint: `make live-undo` removes what is left of the run {run}; docs/live.md says how it is done by hand")
    return clean


def _remove(stack: Stack, run: str, accounts: Accounts, say: Say, pause: Pause) -> bool | None:
    """Whether there was such a stack; None if it was not removed."""
    account: Account = getattr(accounts, stack.account)
    try:
        removed = stacks.delete(account, stack.name, run, pause)
    except Failure as failure:
        say(failure.told())
        return None
    except Exception as error:
        # Whatever it is, the others are removed.
        say(f"error: the stack `{stack.name}` of {account.id} was not deleted: {error}")
        return None
    if removed:
        say(f"removed the stack {stack.name} of {account.id}")
    return removed


def undo_earlier(say: Say, runs: Path = RUNS, pause: Pause = time.sleep) -> bool:
    """Removes what earlier runs left, by their journals. Whether nothing is left of any."""
    clean = True
    paths = list(left(runs))
    for path in paths:
        try:
            journal = Journal.resume(path)
        except Failure as failure:
            say(failure.told())
            clean = False
            continue
        try:
            clean &= undo(journal, _accounts(journal), say, pause)
        except Failure as failure:
            say(failure.told())
            clean = False
        finally:
            journal.close()
    if not paths:
        say("no run has left anything")
    return clean


def _accounts(journal: Journal) -> Accounts:
    """Those of the journal, if its profiles still are of the same accounts."""
    head = journal.head
    accounts = opened(head.provider_profile, head.caller_profile, head.region)
    for account, was in ((accounts.provider, head.provider), (accounts.caller, head.caller)):
        if account.id != was:
            raise Failure(
                f"the profile `{account.profile}` was of the account {was} and is of {account.id} now",
                "give it the credentials that it had, or see docs/live.md to remove the stacks by hand",
            )
    return accounts
