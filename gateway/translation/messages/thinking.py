"""How a request asks for reasoning: adaptive with an effort, or with a budget of tokens.

Source: platform.claude.com/docs/en/build-with-claude/{extended-thinking,adaptive-thinking,effort}.
"""

from collections.abc import Sequence

from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.conversation import Reasoning

LEAST_BUDGET = 1024
_BUDGETS = {"minimal": 1024, "low": 4096, "medium": 10240, "high": 24576, "xhigh": 31999, "max": 63999}
"""Tokens of thinking that stand for an effort where the model has none."""
_EFFORTS = ((4096, "low"), (16384, "medium"))
"""Efforts that stand for budgets up to a number of tokens; `high` for any other."""
_NAMES = {"minimal": "low"}
"""Efforts that Messages calls by another name."""


def write_reasoning(
    reasoning: Reasoning, max_tokens: int, messages: Sequence[Fields], writing: Writing
) -> tuple[Fields | None, str | None]:
    """Return `thinking` and `output_config.effort`."""
    how, effort = writing.profile.thinking, reasoning.effort
    if reasoning.mode == "off" or effort == "none":
        return ({"type": "disabled"} if how not in ("always", "none") else None), None
    if reasoning.mode is None and effort is None:
        return None, None
    if how == "budget" or (how is None and reasoning.mode == "on"):
        known = _NAMES.get(effort or "", effort) if how is None else None
        return _budgeted(reasoning, max_tokens, messages, writing), known
    if how is None and reasoning.mode is None:
        return None, _NAMES.get(effort or "", effort)
    return _shown({"type": "adaptive"}, reasoning), _NAMES.get(effort or "", effort) or _effort_of(reasoning.budget)


def _budgeted(reasoning: Reasoning, max_tokens: int, messages: Sequence[Fields], writing: Writing) -> Fields | None:
    """Return thinking with a budget that leaves room for the answer; None where there is none, or it would be refused.

    In a loop of tools the assistant's message must begin with the reasoning that led to the call.
    """
    wanted = reasoning.budget or min(_BUDGETS.get(reasoning.effort or "medium", _BUDGETS["medium"]), max_tokens // 2)
    budget = min(max(wanted, LEAST_BUDGET), max_tokens - 1)
    if budget < LEAST_BUDGET or _calls_without_reasoning(messages):
        writing.drop("reasoning")
        return None
    return _shown({"type": "enabled", "budget_tokens": budget}, reasoning)


def _shown(thinking: Fields, reasoning: Reasoning) -> Fields:
    return thinking if reasoning.summary is None else {**thinking, "display": "summarized"}


def _effort_of(budget: int | None) -> str | None:
    if budget is None:
        return None
    return next((effort for most, effort in _EFFORTS if budget <= most), "high")


def _calls_without_reasoning(messages: Sequence[Fields]) -> bool:
    """Return whether the last message answers calls that no reasoning led to."""
    if len(messages) < 2 or not any(block.get("type") == "tool_result" for block in messages[-1]["content"]):
        return False
    asked = messages[-2]["content"]
    return messages[-2]["role"] == "assistant" and asked[0].get("type") not in ("thinking", "redacted_thinking")
