"""Sign in with a code, where no browser of this machine can be opened (RFC 8628)."""

import time
from collections.abc import Callable
from typing import Any

import httpx2

from install.client.signing_in.grants import CLIENT_ID, Granted, GrantError, ask, ask_for_key
from install.errors import GatewayError
from install.wording import say

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_FIRST_SECONDS = 1.0
_SLOWER_SECONDS = 5.0
_LONGEST_SECONDS = 1800.0
_MOST_SILENT = 5
"""Questions in a row that may fail: networks of laptops come and go."""

Tell = Callable[[str], None]


def sign_in(http: httpx2.Client, tell: Tell) -> Granted:
    """Show a code, and wait until a person says yes. Raises `GatewayError`."""
    begun = ask(http, "/oauth/device_authorization", client_id=CLIENT_ID)
    uri, shown = _text(begun.get("verification_uri")), _text(begun.get("user_code"))
    tell(say("Open {uri} in a browser, on any machine, and enter the code {code}.", uri=uri, code=shown))
    interval = _seconds(begun.get("interval"), 5.0, 60.0)
    deadline = time.monotonic() + _seconds(begun.get("expires_in"), 600.0, _LONGEST_SECONDS)
    code, silent = str(begun.get("device_code", "")), 0
    time.sleep(min(_FIRST_SECONDS, interval))
    while time.monotonic() < deadline:
        try:
            return ask_for_key(http, grant_type=_GRANT, device_code=code)
        except GrantError as error:
            if error.code not in ("authorization_pending", "slow_down"):
                raise
            interval, silent = interval + (_SLOWER_SECONDS if error.code == "slow_down" else 0), 0
        except GatewayError:
            silent += 1
            if silent > _MOST_SILENT:
                raise
        time.sleep(interval)
    raise GrantError("expired_token", say("Nobody said yes in time."), say("Run the command again."))


def _text(given: Any) -> str:
    return "".join(each for each in str(given)[:500] if each.isprintable())


def _seconds(given: Any, usual: float, most: float) -> float:
    """Return a number of seconds that the gateway names, within bounds."""
    return min(max(float(given), 0.0), most) if isinstance(given, int | float) and given == given else usual
