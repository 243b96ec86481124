"""Session tokens between commands, so that a nightly job does not use up the sign-ins that Open WebUI allows."""

import base64
import json
import time
from pathlib import Path

from gateway.secret import Secret
from install.pack.engine.secret_store import write_private

EARLY_SECONDS = 300


class TokenCache:
    """One file (0600) for one server. An unreadable one is as good as none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, email: str) -> Secret | None:
        kept = self._all().get(email)
        return Secret(kept) if isinstance(kept, str) and _expires(kept) > time.time() + EARLY_SECONDS else None

    def put(self, email: str, token: Secret) -> None:
        write_private(self._path, json.dumps({**self._all(), email: token.reveal()}))

    def forget(self, email: str) -> None:
        kept = self._all()
        if kept.pop(email, None):
            write_private(self._path, json.dumps(kept))

    def clear(self) -> list[str]:
        """Forget every session; return whose."""
        kept = sorted(self._all())
        self._path.unlink(missing_ok=True)
        return kept

    def _all(self) -> dict[str, object]:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}


def _expires(token: str) -> float:
    """Return when a token expires in Unix seconds; 0 for a text that is no token."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return float(claims.get("exp", float("inf")))
    except (IndexError, ValueError, TypeError, AttributeError):
        return 0
