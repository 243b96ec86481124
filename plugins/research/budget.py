"""The budget of a run."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from plugins.shared.models import ModelTrouble, Spent
from plugins.shared.money import money

MOST_FAILURES = 2
REPORT_TOKENS = 1_500
REPLY_TOKENS = 500  # assumed of an answer


class NoCall(Exception):
    """Refusal of a call: the budget is used up, or the model failed too often."""


def quota(trouble: ModelTrouble) -> bool:
    return trouble.code == "insufficient_quota"


@dataclass
class Budget:
    """`limits` of calls, tokens, usd, minutes; 0 is none. What the report is likely to take is kept for it."""

    limits: dict[str, float]
    spent: Spent
    over: str = ""
    """The limit that was met first."""
    report_tokens: int = REPORT_TOKENS
    flying_tokens: int = 0
    """Of the calls that are under way."""
    failures: int = 0
    trouble: ModelTrouble | None = None

    def room(self, tokens: int, final: bool) -> bool:
        """Return whether a call of about so many tokens may begin; `final` is the report's, for which one is kept."""
        known = self.spent.input_tokens + self.spent.output_tokens
        ahead = self.flying_tokens + tokens + (0 if final else self.report_tokens)
        after = {
            "calls": self.spent.calls + (1 if final else 2),
            "tokens": known + ahead,
            "usd": self.spent.usd + (0 if final else ahead * self.spent.usd / max(1, known)),
        }
        over = next((name for name, amount in after.items() if 0 < self.limits[name] < amount), "")
        self.over = self.over or over
        return not over

    @asynccontextmanager
    async def call(self, tokens: int, final: bool) -> AsyncGenerator[None, None]:
        """Count a call and its trouble. Raises NoCall."""
        if self.failures >= MOST_FAILURES or not self.room(tokens, final):
            raise NoCall
        self.flying_tokens += tokens
        try:
            yield
            self.failures = 0
        except ModelTrouble as trouble:
            self.trouble = trouble
            self.failures += MOST_FAILURES if trouble.status in (401, 403, 404) or quota(trouble) else 1
            raise
        finally:
            self.flying_tokens -= tokens


def tokens_of(text: str) -> int:
    """Estimate tokens: three bytes are a Japanese letter, and somewhat less than an English token."""
    return len(text.encode()) // 3


def spent_line(text: dict[str, str], spent: Spent) -> str:
    """Format: calls: 7 · tokens: 12,340 · $0.031"""
    line = text["spent"].format(calls=spent.calls, tokens=f"{spent.input_tokens + spent.output_tokens:,}")
    return f"{line} · {money(spent.usd, 'USD')}" if spent.usd else line
