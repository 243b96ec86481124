"""Our gateway without what governs: no limits, no records, no metrics. Only for measuring what they cost."""

import sys
from collections.abc import Sequence

import gateway.server
from gateway.__main__ import main
from gateway.limits.limit import Demand, Limit, LimitStatus, Reservation
from gateway.runtime import Runtime


class Unlimited:
    """A limiter that counts nothing."""

    healthy = True

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        return None

    async def reserve(self, request_id: str, limits: Sequence[Limit], demand: Demand) -> Reservation:
        return Reservation(request_id, (), demand, 0.0, 0.0, ())

    async def settle(self, reservation: Reservation, used: Demand) -> None:
        return None

    async def release(self, reservation: Reservation) -> None:
        return None

    async def status(self, limits: Sequence[Limit]) -> list[LimitStatus]:
        return []


class Ungoverned(Runtime):
    """Starts the same parts, and counts nothing."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.limiter = Unlimited()
        for part, name in ((self.ledger, "write"), (self.metrics, "observe")):
            setattr(part, name, lambda *_: None)


if __name__ == "__main__":
    gateway.server.Runtime = Ungoverned  # type: ignore[assignment,attr-defined]
    sys.argv[0] = "sekisho"
    main()
