"""Sampling, reasoning and the answer's form, within Cohere's bounds."""

from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.cohere.names import LARGEST_SEED, LEAST_TOP_P, MOST_STOPS, MOST_TOP_K, MOST_TOP_P
from gateway.translation.conversation import Conversation, OutputFormat, Reasoning

_BUDGETS = {"minimal": 1024, "low": 4096, "medium": 10240}
"""Tokens of thinking that stand for an effort; higher ones are not limited."""


def write_settings(conversation: Conversation, writing: Writing) -> Fields:
    """Return all settings of a request; `writing` notes those that are out of bounds, or that Cohere has not."""
    sampling = conversation.sampling
    _note_others(conversation, writing)
    settings = {
        "response_format": _output(conversation.output),
        "max_tokens": conversation.max_tokens,
        "stop_sequences": _stops(conversation, writing),
        "temperature": _within(sampling.temperature, 0, 1, "temperature", writing),
        "p": None if sampling.top_p is None else min(max(sampling.top_p, LEAST_TOP_P), MOST_TOP_P),
        "k": _whole(sampling.top_k, MOST_TOP_K, "top_k", writing),
        "frequency_penalty": _within(sampling.frequency_penalty, 0, 1, "frequency_penalty", writing),
        "presence_penalty": _within(sampling.presence_penalty, 0, 1, "presence_penalty", writing),
        "seed": _seed(sampling.seed, writing),
        "logprobs": None if conversation.logprobs is None else True,
        "thinking": _thinking(conversation.reasoning, conversation.max_tokens),
        "stream": conversation.stream or None,
    }
    return {name: value for name, value in settings.items() if value is not None}


def _output(output: OutputFormat | None) -> Fields | None:
    if output is None:
        return None
    return {"type": "json_object", **({} if output.schema is None else {"json_schema": output.schema})}


def _stops(conversation: Conversation, writing: Writing) -> list[str] | None:
    found = [each for each in conversation.stop if each]
    if len(found) > MOST_STOPS or len(found) < len(conversation.stop):
        writing.drop("stop")
    return found[:MOST_STOPS] or None


def _within(found: float | None, least: float, most: float, name: str, writing: Writing) -> float | None:
    if found is None or least <= found <= most:
        return found
    writing.drop(name)
    return min(max(found, least), most)


def _whole(found: int | None, most: int, name: str, writing: Writing) -> int | None:
    bounded = _within(found, 0, most, name, writing)
    return None if bounded is None else int(bounded)


def _seed(seed: int | None, writing: Writing) -> int | None:
    if seed is None or 0 <= seed <= LARGEST_SEED:
        return seed
    writing.drop("seed")
    return None


def _thinking(reasoning: Reasoning, max_tokens: int | None) -> Fields | None:
    """Return how the model is to reason; None where nothing is said of it. A budget leaves room for the answer."""
    if reasoning.mode == "off" or reasoning.effort == "none":
        return {"type": "disabled"}
    if reasoning.mode is None and reasoning.effort is None and reasoning.budget is None:
        return None
    budget = reasoning.budget or _BUDGETS.get(reasoning.effort or "")
    if budget is not None and max_tokens is not None:
        budget = min(budget, max_tokens - 1)
    return {"type": "enabled", **({"token_budget": budget} if budget and budget > 0 else {})}


def _note_others(conversation: Conversation, writing: Writing) -> None:
    for name in ("metadata", "verbosity"):
        if getattr(conversation, name) is not None:
            writing.drop(name)
    if conversation.logprobs:
        writing.drop("top_logprobs")
    if conversation.service_tier not in (None, "auto", "default"):
        writing.drop("service_tier")
