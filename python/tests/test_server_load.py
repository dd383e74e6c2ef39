"""A thousand callers on uvicorn, with keys that are changed while issuers and an STS fail, and after it."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import load
import pytest
from xacct_sign import _native
from xacct_sign.server import RefusedError
from xacct_sign.server._lane import Lane

FAULTS = ("status", "drop", "garbage", "throttle")


def as_they_should(socket: Path, requests: list[load.Request]) -> list[str | int]:
    answers, _ = load.told(socket, requests)
    assert load.wrong(requests, answers) == []
    return answers


@pytest.mark.sleeps
@pytest.mark.timeout(300)
def test_a_thousand_callers_through_an_outage_and_new_keys() -> None:
    with load.world() as (peers, folder), load.server(folder, "checked", peers.url) as socket:
        maker, all_as_they_should = load.Maker(peers), functools.partial(as_they_should, socket)

        # The callers of one account come later.
        at_first = load.ISSUERS - 1
        tokens = [
            each for each in range(load.CALLERS) if load.issuer_of(each) < at_first and not load.sends_proofs(each)
        ]
        requests = load.mixed(maker, 1, issuers=at_first)
        all_as_they_should(requests)
        # They came at once, and the keys of each issuer were fetched once.
        assert peers.asked["keys"] == at_first
        fetched_by, sts = time.monotonic(), peers.asked["sts"]
        all_as_they_should(requests)
        # Who was known was asked of nobody again; nor who was refused by STS.
        assert peers.asked == {"keys": at_first, "sts": sts}

        # New tokens pass by the keys at hand; of new proofs nobody can be asked. Nobody else comes in, and who is known
        # stays in.
        known = [request for request in requests if request.what == "good"]
        for number, fails in enumerate(FAULTS):
            peers.fails = fails
            answers = all_as_they_should(load.mixed(maker, number, issuers=at_first, every=8, fails=True))
            assert answers.count(503) > 0, fails
            all_as_they_should(known)
        # Of the account that nobody came from before there are no keys.
        late = [maker.good(caller, may={503}) for caller in range(at_first, load.CALLERS, load.ISSUERS)]
        assert set(all_as_they_should(late)) == {503}

        # Another key signs while all that lasts, and half of the issuers take the old one back. Ten seconds after a
        # fetch an unknown key is asked for, and not taken for nobody's; the old one serves until somebody says more.
        time.sleep(max(0.0, fetched_by + 11 - time.monotonic()))
        peers.generation, peers.withdrawn = 1, set(range(0, load.ISSUERS, 2))
        for number, fails in enumerate(FAULTS, len(FAULTS)):
            peers.fails = fails
            new = [maker.good(caller, may={503}) for caller in tokens[number::8]]
            assert set(all_as_they_should(new)) == {503}, fails
            made = load.mixed(maker, number, issuers=at_first, every=8, fails=True)
            all_as_they_should([dataclasses.replace(request, may=request.may | {503}) for request in made])
            all_as_they_should([maker.good(caller, 0) for caller in tokens[number::8]])
            all_as_they_should(known)

        # It is over when the keys are asked for again, ten seconds later.
        peers.fails = ""
        late += [maker.good(caller, may={503}) for caller in tokens[::8]]
        while 503 in all_as_they_should(late):
            time.sleep(0.2)
        all_as_they_should(load.mixed(maker, 2, issuers=at_first))

        # The old key is as good as before where it is still published, and nobody's where it is not: neither who comes
        # by it now nor who came by it before is let in.
        names = {f"caller-{caller:04}": caller for caller in tokens}
        old = [(caller, maker.good(caller, 0)) for caller in tokens]
        old += [(names[name], request) for request in known for name in request.may if name in names]
        assert len(old) == 2 * len(tokens)
        out = frozenset({401})
        is_out = lambda caller: load.issuer_of(caller) in peers.withdrawn  # noqa: E731
        told_of_old = all_as_they_should(
            [dataclasses.replace(request, may=out) if is_out(caller) else request for caller, request in old]
        )
        assert 0 < told_of_old.count(401) < len(old)
        all_as_they_should(load.mixed(maker, 3, issuers=at_first))


@pytest.mark.sleeps
def test_peers_that_say_nothing_hold_up_who_needs_them_and_nobody_else() -> None:
    with (
        ThreadPoolExecutor() as beside,
        load.world() as (peers, folder),
        load.server(folder, "checked", peers.url) as socket,
    ):
        maker, all_as_they_should = load.Maker(peers), functools.partial(as_they_should, socket)

        def held(what: str, requests: list[load.Request], connections: int) -> Future[list[str | int]]:
            """Requests of those who need a peer that says nothing, once it holds so many connections."""
            peers.hangs = what
            told = beside.submit(lambda: load.told(socket, requests, connections=len(requests))[0])
            while len(peers.held[what]) < connections:
                # Otherwise some have waited for others.
                assert not told.done()
                time.sleep(0.01)
            return told

        # The callers of three accounts come later. Every sixth is enough: this is not about numbers.
        at_first = load.ISSUERS - 3
        callers = [caller for caller in range(1, load.CALLERS, 6) if load.issuer_of(caller) < at_first]
        tokens = [caller for caller in callers if not load.sends_proofs(caller)]
        proofs = [caller for caller in callers if load.sends_proofs(caller)]
        late = [
            [caller for caller in range(issuer, load.CALLERS, load.ISSUERS) if not load.sends_proofs(caller)]
            for issuer in range(at_first, load.ISSUERS)
        ]
        strangers = [
            caller for caller in range(load.CALLERS) if load.issuer_of(caller) >= at_first and load.sends_proofs(caller)
        ]
        known = [maker.good(caller) for caller in callers]
        all_as_they_should(known)

        def of_tokens(kinds: list[int]) -> list[load.Request]:
            """New tokens by keys at hand, and bad ones."""
            bad = [maker.bad(caller, kinds[number % len(kinds)]) for number, caller in enumerate(tokens)]
            return known + [maker.good(caller) for caller in tokens] + bad

        # STS says nothing to as many strangers, good and bad, as are asked of at once, and to some whom it knows. Who
        # sends tokens does not need it; of an account that nobody came from before the keys are fetched meanwhile.
        threads = dict(_native.Verifier.THREADS)
        some = threads["known_proof"] // 2
        waiting = [maker.good(caller) for caller in proofs[:some] + strangers]
        waiting += [maker.bad(caller, 10 + 11 * caller) for caller in strangers]
        waiting = waiting[: some + threads["proof"]]
        meanwhile = of_tokens([*range(9)]) + [maker.good(caller) for caller in late[0]]
        for_sts = held("sts", waiting, len(waiting))
        all_as_they_should(meanwhile)
        # Who had waited behind one of those would have been told when that one was.
        assert len(peers.held["sts"]) == len(waiting)

        # Now the issuers say nothing, and STS speaks again. All of an account without keys wait for one fetch; what is
        # known of the other accounts' keys is enough, for tokens whose signature is right at least.
        new = [maker.good(caller) for caller in late[1][: 2 * threads["token"]]]
        meanwhile = of_tokens([0, 1, 2, 3, 6, 7]) + [maker.good(caller) for caller in late[0] + proofs[some:]]
        meanwhile += [maker.bad(caller, kind) for caller in proofs[some:] for kind in (8, 9, 10)]
        fetches = peers.asked["keys"]
        for_keys = held("keys", new, 1)
        all_as_they_should(meanwhile)
        assert len(peers.held["keys"]) == 1
        # However many wait for that issuer, another's first callers come in.
        peers.hangs = ""
        all_as_they_should([maker.good(caller) for caller in late[2]])
        assert len(peers.held["keys"]) == 1

        # Nobody knows who they are.
        assert set(for_sts.result()) == {503}
        assert set(for_keys.result()) == {503}
        assert peers.asked["keys"] == fetches + 2
        # STS is asked again at once.
        all_as_they_should([maker.good(caller) for caller in strangers] + known)


def test_who_waits_for_the_same_takes_one_thread_and_places_of_its_own() -> None:
    async def go() -> None:
        lane, goes_on, checks = Lane(2), threading.Event(), []

        def check(what: int) -> int:
            checks.append(what)
            assert what != 1 or goes_on.wait(60)
            return what

        def run(what: int, settled: list[int]) -> asyncio.Task[int]:
            return asyncio.create_task(
                lane.run(what, what, lambda: check(what), lambda: settled.pop() if settled else None)
            )

        # One gets it; another that is told nothing at hand then gets it for itself.
        waiting = [run(1, [] if number == 0 else [10]) for number in range(_native.Verifier.PLACES - 1)] + [run(1, [])]
        await asyncio.sleep(0)
        with pytest.raises(RefusedError) as refused:
            await run(1, [])
        assert refused.value.code == "too_busy"
        waiting[5].cancel()
        assert await run(2, []) == 2
        # Whoever goes away leaves a place.
        waiting.append(run(1, [10]))
        await asyncio.sleep(0)
        goes_on.set()
        given = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(given.pop(5), asyncio.CancelledError)
        assert sorted(given) == [1, 1] + [10] * (_native.Verifier.PLACES - 2)
        assert sorted(checks) == [1, 1, 2]
        assert not lane._taken
        assert not lane._under_way

    asyncio.run(go())
