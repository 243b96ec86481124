"""The parts of the line."""

from typing import Any

from plugins.shared.money import money

LONGEST_TEAM = 60  # characters


def tokens_of(usage: dict[str, Any]) -> int:
    """Return the tokens of all rounds of a tool loop, which Open WebUI adds up."""
    counted = [usage.get(key) for key in ("input_tokens", "output_tokens")]
    if all(isinstance(count, int) for count in counted):
        return sum(int(count or 0) for count in counted)
    total = usage.get("total_tokens")
    return total if isinstance(total, int) else 0


def parts_of(
    usage: dict[str, Any], cost: float, month: dict[str, Any] | None, valves: Any, text: dict[str, str]
) -> list[str]:
    """Format: ¥1.8, 1,240 tokens, this month ¥312 of ¥3,000; of a person in several teams, which one pays"""

    def local(usd: Any) -> str:
        return money(float(usd) * valves.rate, valves.currency)

    parts = [local(cost)]
    if tokens := tokens_of(usage):
        parts.append(text["tokens"].format(tokens=f"{tokens:,}"))
    if month and isinstance(used := month["total"].get("cost_usd"), int | float):
        budget = (month.get("budget") or {}) if (month.get("budget") or {}).get("window") == "month" else {}
        known = isinstance(budget.get("usd"), int | float)
        if known and isinstance(budget.get("used_usd"), int | float):
            used = budget["used_usd"]  # what a refusal counts: its month is the gateway's
        said = {"used": local(used), "budget": local(budget["usd"]) if known else ""}
        parts.append(text["budget" if known else "month"].format(**said))
    if month and isinstance(month.get("teams"), list) and len(month["teams"]) > 1 and month.get("team"):
        parts.append(text["team"].format(team=str(month["team"])[:LONGEST_TEAM]))
    return parts
