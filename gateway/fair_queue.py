"""A queue in which persons take turns."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Waits(Protocol):
    """Anything that waits for a person."""

    person: str
    """"" = nobody is known: all such share one turn."""


W = TypeVar("W", bound=Waits)


class FairQueue(Generic[W]):
    """Waiters of one model and class: persons take turns, and each one's oldest request comes first."""

    __slots__ = ("_by_person",)

    def __init__(self) -> None:
        self._by_person: OrderedDict[str, deque[W]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._by_person)

    def __iter__(self) -> Iterator[W]:
        for waiters in self._by_person.values():
            yield from waiters

    def append(self, waiter: W) -> None:
        self._by_person.setdefault(waiter.person, deque()).append(waiter)

    def remove(self, waiter: W) -> bool:
        """Take a waiter out; return whether it was there. Its person's next turn comes after everybody else's."""
        waiters = self._by_person.get(waiter.person)
        if waiters is None or waiter not in waiters:
            return False
        waiters.remove(waiter)
        if waiters:
            self._by_person.move_to_end(waiter.person)
        else:
            del self._by_person[waiter.person]
        return True

    def count(self, person: str) -> int:
        return len(self._by_person.get(person, ()))

    def newest_of_the_most(self) -> W:
        """Return the newest request of the person who has the most waiting."""
        return max(self._by_person.values(), key=len)[-1]
