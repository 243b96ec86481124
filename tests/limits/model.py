"""What limits mean, as simply as it can be said: everything is remembered and summed when asked."""

from dataclasses import dataclass, field

from gateway.limits.limit import Demand, Limit, wanted
from gateway.limits.windows import bounds


@dataclass
class Held:
    limits: list[Limit]
    demand: Demand
    began: float
    ends: float


@dataclass
class Model:
    """`taken` is what rates gave out and when; a negative one is what came back."""

    life: float
    open: dict[str, Held] = field(default_factory=dict)
    spent: list[tuple[float, str, int]] = field(default_factory=list)
    levels: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def expire(self, now: float) -> None:
        self.open = {name: held for name, held in self.open.items() if held.ends > now}

    def room(self, limit: Limit, demand: Demand, now: float) -> bool:
        if not limit.hard:
            return True
        left = self.left(limit, now)
        need = wanted(limit, demand)
        if limit.kind == "tokens":
            need = min(need, limit.amount)
        if limit.kind == "budget" and need == 0:
            return True
        return left > 0 and need <= left

    def left(self, limit: Limit, now: float) -> float:
        if limit.kind in ("requests", "tokens"):
            return self._level(limit, now)
        return limit.amount - self.used(limit, now) - self.reserved(limit)

    def used(self, limit: Limit, now: float) -> int:
        if limit.kind == "parallel":
            return sum(limit in held.limits for held in self.open.values())
        begin, _ = bounds(limit.window or "month", now)
        return sum(cost for began, scope, cost in self.spent if scope == limit.scope and began >= begin)

    def reserved(self, limit: Limit) -> int:
        if limit.kind != "budget":
            return 0
        scopes = [{each.scope for each in held.limits if each.kind == "budget"} for held in self.open.values()]
        costs = [held.demand.cost_nano_usd for held in self.open.values()]
        return sum(cost for cost, held in zip(costs, scopes, strict=True) if limit.scope in held)

    def reserve(self, name: str, limits: list[Limit], demand: Demand, now: float) -> None:
        self.open[name] = Held(limits, demand, now, now + self.life)
        for limit in limits:
            if limit.kind in ("requests", "tokens"):
                self.levels[limit.scope, limit.kind] = self._level(limit, now) - wanted(limit, demand), now

    def settle(self, name: str, held: Held, used: Demand, now: float) -> None:
        alive = self.open.pop(name, None)
        for scope in {limit.scope for limit in held.limits if limit.kind == "budget"}:
            self.spent.append((held.began, scope, used.cost_nano_usd))
        for limit in held.limits if alive else []:
            if limit.kind == "tokens":
                level = self._level(limit, now) + held.demand.tokens - used.tokens
                self.levels[limit.scope, limit.kind] = min(level, limit.amount), now

    def _level(self, limit: Limit, now: float) -> float:
        level, at = self.levels.get((limit.scope, limit.kind), (limit.amount, now))
        return min(limit.amount, level + (now - at) * limit.amount / 60)
