"""How botocore reaches STS and the sign-on servers: through the company's proxy, with its authorities."""

import atexit
import os
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from gateway.upstream.outbound import Outbound

_SECONDS = 10


def reached_by(session: Any, outbound: Outbound, region: str) -> None:
    """Set a session's way out. The container's and the machine's own servers are asked directly in any case."""
    from botocore.config import Config

    more: dict[str, Any] = {}
    if proxy := outbound.proxy_for(f"https://sts.{region or 'us-east-1'}.amazonaws.com"):
        more["proxies"] = {"http": proxy, "https": proxy}
    session.set_default_client_config(Config(connect_timeout=_SECONDS, read_timeout=_SECONDS, **more))
    if outbound.custom_ca:
        session.set_config_variable("ca_bundle", _bundle(outbound.custom_ca))


@lru_cache(8)
def _bundle(custom_ca: Path) -> str:
    """Return a file of the public authorities and the company's: botocore trusts those of one file alone."""
    from botocore.httpsession import where

    number, name = tempfile.mkstemp(prefix="sekisho-", suffix=".pem")
    with os.fdopen(number, "wb") as file:
        file.write(Path(where()).read_bytes() + b"\n" + custom_ca.read_bytes())
    atexit.register(Path(name).unlink, missing_ok=True)
    return name
