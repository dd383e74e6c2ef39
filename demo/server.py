"""A server with no gateway in front, as a provider may write it with FastAPI."""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import Depends, FastAPI
from xacct_sign.server import Caller, Verifier
from xacct_sign.server.fastapi import CallerDependency

# In development alone: the issuer is the emulator's, on this machine.
verifier = Verifier.from_file(os.environ["CALLERS_JSON"], development=True)
Calling = Annotated[Caller, Depends(CallerDependency(verifier))]

app = FastAPI()


@app.get("/items/{item}")
async def read(item: str, caller: Calling) -> dict[str, str | None]:
    """Tells the caller who it is."""
    return {"item": item, "caller": caller.name, "account": caller.account, "via": caller.via}
