"""Keys of a sign-in: renewed before they end, and given to tools that can run no command for one."""

import time

from install.client import asking
from install.client.keeping import KeptKey, KeyBox
from install.client.signing_in.grants import Granted, GrantError, ask, ask_for_key
from install.errors import GatewayError

_RENEW_SECONDS = 4 * 3600.0
"""Before its end a key is renewed: tools ask for one at their start, and keep it for hours."""
_LASTING_SECONDS = 7 * 86_400.0
"""A tool's own key is replaced when it ends sooner."""
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_REFRESH_TOKEN = "urn:ietf:params:oauth:token-type:refresh_token"


def fresh(box: KeyBox, root: str) -> KeptKey | None:
    """Return the kept key, renewed where it ends soon; None where none is kept.

    Two processes that find it so at the same time renew it once. While the gateway is away, the old key is good as
    long as it lasts. Raises `UsageError`, `GatewayError`.
    """
    kept = box.find(root)
    if kept is None or not _ends_soon(kept):
        return kept
    with box.alone():
        kept = box.find(root)
        return _renewed(box, kept) if kept is not None and _ends_soon(kept) else kept


def _renewed(box: KeyBox, kept: KeptKey) -> KeptKey:
    assert kept.renewal
    try:
        with asking.client(kept.root) as http:
            granted = ask_for_key(http, grant_type="refresh_token", refresh_token=kept.renewal.reveal())
    except GrantError as error:
        if error.code == "invalid_grant":
            box.forget(kept.root)
            raise
        if kept.ended:
            raise
        return kept
    except GatewayError:
        if kept.ended:
            raise
        return kept
    return keep(box, kept.root, granted)


def keep(box: KeyBox, root: str, granted: Granted, tool: str = "") -> KeptKey:
    """Keep what a gateway gave."""
    kept = KeptKey(root, granted.key, granted.ends, granted.renewal, tool)
    box.keep(kept)
    return kept


def key_for(box: KeyBox, kept: KeptKey, tool: str) -> KeptKey:
    """Return a tool's own key, which lasts as long as the sign-in: the one it has, or a new one.

    Raises `GatewayError`.
    """
    own = box.find(kept.root, tool)
    if own is not None and not _ends_before(own, _LASTING_SECONDS) and _works(own):
        return own
    assert kept.renewal
    form = {"subject_token": kept.renewal.reveal(), "subject_token_type": _REFRESH_TOKEN, "client_id": tool}
    with asking.client(kept.root) as http:
        return keep(box, kept.root, ask_for_key(http, grant_type=_EXCHANGE, **form), tool)


def sign_out(box: KeyBox, root: str) -> bool:
    """End a sign-in and the keys of tools, here first; return whether the gateway knows of it."""
    kept = [each for each in (box.find(root), *box.tools(root)) if each]
    for each in kept:
        box.forget(root, each.tool)
    try:
        with asking.client(root) as http:
            for each in kept:
                if each.renewal or each.tool:
                    ask(http, "/oauth/revoke", token=(each.renewal or each.key).reveal())
    except GatewayError:
        return False
    return True


def _works(kept: KeptKey) -> bool:
    try:
        with asking.client(kept.root) as http:
            asking.read_end(http, kept.key)
    except GatewayError:
        return False
    return True


def _ends_soon(kept: KeptKey) -> bool:
    return kept.renewal is not None and _ends_before(kept, _RENEW_SECONDS)


def _ends_before(kept: KeptKey, seconds: float) -> bool:
    return kept.ends is not None and kept.ends - time.time() < seconds
