"""Requests a second of an ASGI server with a thousand callers, beside the same server without a check.

uvicorn with one worker on a socket of this machine, and 32 connections that take turns; the application says a name.
What makes the requests takes as much of the processors as the server does, so these are lower bounds. Each answer is
looked at: nobody comes in who should not, and 503 is said in the outage alone.

- Known: each caller's token or proof was seen before. New: none was. Half bad: as many requests that let nobody in.
- Outage: issuers and STS answer 500. New tokens pass by the keys at hand; new proofs wait for STS in vain.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "python" / "harness"))
sys.path.insert(0, str(Path(__file__).parents[1] / "python" / "tests"))

import load


def rate(socket: Path, requests: list[load.Request]) -> float:
    """Requests a second."""
    answers, seconds = load.told(socket, requests)
    if wrong := load.wrong(requests, answers):
        raise SystemExit("\n".join(wrong[:10]))
    return len(requests) / seconds


def main() -> None:
    """Prints the table."""
    with (
        load.world() as (peers, folder),
        load.server(folder, "bare", peers.url) as plain,
        load.server(folder, "checked", peers.url) as socket,
    ):
        maker = load.Maker(peers)
        everybody = [maker.good(caller) for caller in range(load.CALLERS)]
        anybody = [load.request_of(None, {"nobody"}, "anybody") for _ in everybody]
        tokens = [caller for caller in range(load.CALLERS) if not load.sends_proofs(caller)]

        def new_tokens() -> list[load.Request]:
            return [maker.good(caller) for caller in tokens]

        first = rate(socket, everybody)
        # The two servers take turns, and each one's best round counts: what else the machine does only takes away.
        bare, known, new, half = 0.0, 0.0, 0.0, 0.0
        for number in range(8):
            bare = max(bare, rate(plain, anybody))
            known = max(known, rate(socket, everybody))
            new = max(new, rate(socket, new_tokens()))
            half = max(half, rate(socket, load.mixed(maker, number)))
        rows = [("without a check", bare), ("known", known), ("the first of each, all at once", first)]
        rows += [("new tokens", new), ("new, half bad", half)]
        peers.fails = "status"
        rows.append(("outage: known", max(rate(socket, everybody) for _ in range(3))))
        rows.append(("outage: new tokens", rate(socket, new_tokens())))
        rows.append(("outage: new, half bad", rate(socket, load.mixed(maker, 9, fails=True))))
    print(f"{'A thousand callers on uvicorn':46}{'ratio':>8}{'requests a second':>20}")
    for what, measured in rows:
        print(f"{what:46}{measured / bare:8.2f}{measured:20.0f}")
    print(__doc__.split("\n\n", 1)[1])


if __name__ == "__main__":
    main()
