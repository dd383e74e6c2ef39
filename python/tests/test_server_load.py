"""A thousand callers on uvicorn, with keys that are changed while issuers and an STS fail, and after it."""

from __future__ import annotations

import dataclasses
import time

import load
import pytest

FAULTS = ("status", "drop", "garbage", "throttle")


@pytest.mark.sleeps
@pytest.mark.timeout(300)
def test_a_thousand_callers_through_an_outage_and_new_keys() -> None:
    with load.world() as (peers, folder), load.server(folder, "checked", peers.url) as socket:
        maker = load.Maker(peers)

        def all_as_they_should(requests: list[load.Request]) -> list[str | int]:
            answers, _ = load.told(socket, requests)
            assert load.wrong(requests, answers) == []
            return answers

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
