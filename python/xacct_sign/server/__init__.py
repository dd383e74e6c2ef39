"""Who is calling, for a server that stands anywhere: docs/identity.md.

>>> from xacct_sign.server import Verifier
>>> verifier = Verifier.from_file("callers.json")  # doctest: +SKIP

`xacct_sign.server.asgi` and `xacct_sign.server.wsgi` have middleware, `Verifier.handler` is for Lambda functions.
"""

from __future__ import annotations

from ._caller import Caller
from ._refused import RefusedError
from ._verifier import Verifier

__all__ = ["Caller", "RefusedError", "Verifier"]
