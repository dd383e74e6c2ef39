"""A program that ends while an early refresh, on a thread of ours, runs its Python."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading

import pytest
from helpers import REGION, ROLE_ARN, Answer, Request, serve, sts_answer

PROGRAM = f"""
import atexit, os, sys, threading, time
import xacct_sign

asked, ending = threading.Event(), threading.Event()
count = 0


def base():
    global count
    count += 1
    if count == 2:
        asked.set()
        # Until the interpreter has begun to end, and then busy for a while.
        ending.wait()
        for _ in range(3_000_000):
            pass
        os.write(1, b"done\\n")
    return xacct_sign.Credentials("AKIDBASE", "secret")


role = xacct_sign.AssumeRole({ROLE_ARN!r}, region={REGION!r}, base=base, sts_endpoint=sys.argv[1])
role.credentials()


def use():
    while not asked.is_set():
        role.credentials()
        time.sleep(0.01)


threading.Thread(target=use, daemon=True).start()
asked.wait()
atexit.register(ending.set)
"""

ENDS = {
    "returns": ("", ["done"]),
    "exits": ("sys.exit(0)", ["done"]),
    # The child has none of its parent's threads to wait for.
    "forks": (
        """
        child = os.fork()
        if child == 0:
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        os.write(1, b"child\\n")
        """,
        ["child", "done"],
    ),
}


@pytest.mark.parametrize(("end", "said"), ENDS.values(), ids=ENDS)
def test_a_program_ends_in_peace_while_an_early_refresh_runs_python(end: str, said: list[str]) -> None:
    with serve(lambda _: sts_answer(lifetime=2)) as sts:
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM + textwrap.dedent(end), sts.url]
        done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == said


BESIDE = f"""
import asyncio, sys
import httpx, xacct_sign
from xacct_sign.httpx import SigV4Auth

base = xacct_sign.Credentials("AKIDBASE", "secret")
role = xacct_sign.AssumeRole({ROLE_ARN!r}, region={REGION!r}, base=base, sts_endpoint=sys.argv[1])


async def main():
    async with httpx.AsyncClient(auth=SigV4Auth(role)) as client:
        call = asyncio.create_task(client.get("https://api.example.com/"))
        # STS is being asked by then.
        await asyncio.to_thread(sys.stdin.readline)
        call.cancel()
        await asyncio.wait([call])
        print("cancelled")


asyncio.run(main())
"""


def test_a_program_does_not_wait_at_its_end_for_credentials_that_nobody_waits_for() -> None:
    asked, is_over = threading.Event(), threading.Event()

    def never(_: Request) -> Answer:
        asked.set()
        is_over.wait()
        return Answer()

    with serve(never) as sts:
        command = [sys.executable, "-c", BESIDE, sts.url]
        program = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            asked.wait()
            said = program.communicate("\n")
        finally:
            is_over.set()
        assert (program.returncode, *said) == (0, "cancelled\n", "")
        # It would be asked again and again until its time is over.
        assert len(sts.requests) == 1
