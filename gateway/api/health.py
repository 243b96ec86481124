"""/healthz: the process lives. /readyz: it should get requests."""

import time

from starlette.requests import Request
from starlette.responses import JSONResponse

from gateway.runtime import Runtime


async def healthz(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> JSONResponse:
    """Answer 503 with reasons while the process should get no new requests; `warnings` where it serves all the same."""
    runtime: Runtime = request.app.state.runtime
    runtime.connections.probed_at = time.monotonic()
    problems, warnings = runtime.problems(), runtime.warnings()
    state = {"status": "not ready" if problems else "ok", "problems": problems}
    return JSONResponse({**state, "warnings": warnings} if warnings else state, 503 if problems else 200)
