"""Errors of the audit outside a request."""

from collections.abc import Sequence

from gateway.errors import SekishoError


class AuditBroken(SekishoError):
    """A row of the audit was changed, removed, moved or cut off."""

    def __init__(self, broken: Sequence[str]) -> None:
        super().__init__(
            "The audit does not hold. "
            + " ".join(f"{each}." for each in broken)
            + " Keep the files as they are and compare them with a backup; rows before the first broken one hold."
        )
