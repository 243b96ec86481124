"""How a request asks for reasoning: by a level, or with a budget of tokens before Gemini 3.

Source: ai.google.dev/gemini-api/docs/{thinking,openai}.
"""

from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.conversation import Reasoning

_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}
"""Tokens of thinking that Google itself puts for an effort."""
_LEAST_BUDGET = 128
"""Of models that cannot but think."""
_LEVELS = ((4096, "low"), (16384, "medium"))
"""Levels that stand for budgets up to a number of tokens; `high` for any other."""
_NAMES = {"none": "minimal", "xhigh": "high", "max": "high"}
"""Efforts that Gemini calls by another name."""


def write_reasoning(reasoning: Reasoning, writing: Writing) -> Fields | None:
    """Return `thinkingConfig`; None where nothing is asked for. Thoughts are shown where it is."""
    if reasoning == Reasoning() or writing.profile.thinking == "none":
        return None
    off = reasoning.mode == "off" or reasoning.effort == "none"
    if writing.profile.thinking == "budget":
        return _off(writing) if off else _shown({"thinkingBudget": _budget(reasoning)})
    if off:
        return {"thinkingBudget": 0} if reasoning.mode == "off" else {"thinkingLevel": "minimal"}
    return _shown({"thinkingLevel": _level(reasoning)})


def _off(writing: Writing) -> Fields:
    efforts = writing.profile.efforts
    return {"thinkingBudget": 0 if efforts is None or "none" in efforts else _LEAST_BUDGET}


def _shown(config: Fields) -> Fields:
    return {**{name: value for name, value in config.items() if value is not None}, "includeThoughts": True}


def _budget(reasoning: Reasoning) -> int | None:
    """Return a budget; None leaves it to the model."""
    if reasoning.budget is not None:
        return min(max(reasoning.budget, _LEAST_BUDGET), _BUDGETS["max"])
    return _BUDGETS.get(reasoning.effort or "")


def _level(reasoning: Reasoning) -> str | None:
    """Return a level; None leaves it to the model."""
    if reasoning.effort:
        return _NAMES.get(reasoning.effort, reasoning.effort)
    if reasoning.budget is None:
        return None
    return next((level for most, level in _LEVELS if reasoning.budget <= most), "high")
