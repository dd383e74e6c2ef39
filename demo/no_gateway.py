"""The callers of the manifest at a server of one's own: by a token, by a proof, and one that is nobody's."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from emulator import Emulator
from xacct_sign import IdentityProof, IdentityToken

AUDIENCE = "https://api.example.com"
MANIFEST = Path(__file__).with_name("server.toml")


class Server:
    """The server of `server.py`, on uvicorn, and the emulator for issuer and STS: no gateway is anywhere."""

    def __init__(self, running: Emulator, url: str, log: Path) -> None:
        """Running."""
        self._emulator, self._url, self._log = running, url, log

    def _shop(self) -> dict[str, Any]:
        """The caller, at the emulator's STS."""
        os.environ["AWS_ENDPOINT_URL_STS"] = self._emulator.sts_url
        return {"region": self._emulator.region, "base": self._emulator.base()}

    def _call(self, bearer: str, path: str) -> tuple[int, dict[str, str]]:
        connection = http.client.HTTPConnection(urlsplit(self._url).netloc, timeout=30)
        connection.request("GET", path, headers={"authorization": f"Bearer {bearer}"})
        answer = connection.getresponse()
        status, text = answer.status, answer.read().decode()
        connection.close()
        print(f"  answer: {status} {text}")
        return status, json.loads(text)

    def by_token(self) -> bool:
        """STS makes the caller a token, which the server verifies by itself."""
        status, told = self._call(IdentityToken(AUDIENCE, **self._shop()).token(), "/items/1")
        return status == 200 and (told["caller"], told["via"]) == ("shop", "token")

    def by_proof(self) -> bool:
        """The caller signs a GetCallerIdentity, which the server has STS answer."""
        status, told = self._call(IdentityProof(AUDIENCE, **self._shop()).proof(), "/items/2")
        return status == 200 and (told["caller"], told["via"]) == ("shop", "proof")

    def outsider(self) -> bool:
        """STS says who the outsider is, and the server that it is no caller."""
        about = self._shop() | {"base": self._emulator.outsider()}
        status, _ = self._call(IdentityProof(AUDIENCE, **about).proof(), "/items/1")
        return self._said(status == 401, "caller_unknown")

    def another_route(self) -> bool:
        """A caller keeps to its routes."""
        status, _ = self._call(IdentityToken(AUDIENCE, **self._shop()).token(), "/items/..%252fadmin")
        return self._said(status == 403, "route_refused")

    def _said(self, is_told: bool, code: str) -> bool:
        line = next((line for line in reversed(self._log.read_text().splitlines()) if code in line), "nothing")
        print(f"  the server's log: {line}")
        return is_told and line != "nothing"


@contextlib.contextmanager
def served() -> Iterator[Server]:
    """The server, as long as it is needed."""
    with Emulator(manifest=MANIFEST) as running, tempfile.TemporaryDirectory() as folder:
        list_, log = Path(folder, "callers.json"), Path(folder, "server.log")
        # As `xacct-sign render callers` writes it, with the emulator's issuers; nothing in it is secret.
        list_.write_text(json.dumps(running.ready["stages"]["stag"]["callers"]))
        environment = os.environ | {"CALLERS_JSON": str(list_), "AWS_ENDPOINT_URL_STS": running.sts_url}
        command = [sys.executable, "-m", "uvicorn", "--port", "0", "--no-access-log", "server:app"]
        with (
            log.open("wb") as to,
            subprocess.Popen(command, cwd=Path(__file__).parent, env=environment, stderr=to, stdout=to) as process,
        ):
            try:
                yield Server(running, _url(process, log), log)
            finally:
                process.terminate()


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where it listens, once it says so."""
    while process.poll() is None:
        words = log.read_text().split()
        if "(Press" in words:
            return words[words.index("(Press") - 1]
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")
