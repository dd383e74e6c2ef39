"""A thousand callers on uvicorn, with keys that are changed, and issuers and an STS that fail meanwhile."""

from __future__ import annotations

import time

import load
import pytest


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
        requests = load.mixed(maker, 1, issuers=at_first)
        all_as_they_should(requests)
        # They came at once, and the keys of each issuer were fetched once.
        assert peers.asked["keys"] == at_first
        sts = peers.asked["sts"]
        all_as_they_should(requests)
        # Who was known was asked of nobody again; nor who was refused by STS.
        assert peers.asked == {"keys": at_first, "sts": sts}

        # New tokens pass by the keys at hand; of new proofs nobody can be asked. Nobody else comes in, and who is known
        # stays in.
        for number, fails in enumerate(("status", "drop", "garbage", "throttle")):
            peers.fails = fails
            answers = all_as_they_should(load.mixed(maker, number, issuers=at_first, every=8, fails=True))
            assert answers.count(503) > 0, fails
            all_as_they_should([request for request in requests if request.what == "good"])
        # Of the account that nobody came from before there are no keys.
        late = [maker.good(caller, may={503}) for caller in range(at_first, load.CALLERS, load.ISSUERS)]
        assert set(all_as_they_should(late)) == {503}

        # It is over when the keys are asked for again, ten seconds later.
        peers.fails = ""
        while 503 in all_as_they_should(late):
            time.sleep(0.2)
        # That long ago all others were fetched: by now another key may sign.
        peers.generation = 1
        all_as_they_should(load.mixed(maker, 2, issuers=at_first))
