"""Tell each person each notice once, over all processes and machines."""

import time
from collections.abc import Iterable

from cachetools import TTLCache

from gateway.casing import lower
from gateway.db.expiring import ExpiringStore
from gateway.identity.person import Person, reader
from gateway.notices.notice import Notice

_KIND = "told"
_MOST_OF_A_PERSON = 500
_REMEMBERED = 20_000
_REMEMBERED_SECONDS = 3600.0


class ToldOnce:
    """Remembers who was told what: in the database and, so that it is seldom asked, here."""

    def __init__(self) -> None:
        self._told: TTLCache[tuple[str, str], None] = TTLCache(_REMEMBERED, _REMEMBERED_SECONDS, timer=time.monotonic)

    async def news(self, store: ExpiringStore, person: Person, notices: Iterable[Notice]) -> list[Notice]:
        """Return the notices that the person was not told yet, and note that they are told now."""
        who = subject_of(person)
        return [each for each in notices if await self._is_news(store, who, each)]

    async def _is_news(self, store: ExpiringStore, who: str, notice: Notice) -> bool:
        known = (who, notice.id)
        if known in self._told:
            return False
        id_ = f"{who}\n{notice.id}"
        made = await store.put(_KIND, who, b"", notice.seconds, id_=id_, most=_MOST_OF_A_PERSON)
        self._told[known] = None
        return made is not None


def subject_of(person: Person) -> str:
    """Return the name under which is kept what a person was told."""
    return reader(lower(person.email or person.user_id or ""))
