"""What a request may take: estimates before it runs, and the bounds of what an upstream may say it took."""

import math
from collections.abc import Iterable

import msgspec

from gateway import wire
from gateway.config.models import Model
from gateway.dialects.usage import Most
from gateway.wire import Members

ASSUMED_ANSWER_TOKENS = 512
"""Of an answer whose length nobody limits: what one has on average, for queues and rates."""
UNKNOWN_ANSWER_TOKENS = 32_768
"""Of an answer of a model of which neither output limit nor window is configured, at most: for budgets."""
_LENGTHS = ("max_completion_tokens", "max_tokens", "max_output_tokens", "n_predict", "max_new_tokens")
"""OpenAI's, and those that servers on premises also follow."""
_COUNTS = ("n", "best_of")
_MOST_TOKENS = 10**9
_MOST_ANSWERS = 10_000
_MOST_PROMPTS = 2048
_SLACK = 2
"""Configured windows and limits may be too small: an upstream is believed up to so many times of them."""
_UNKNOWN_TOKENS = 4_000_000
"""An upstream is believed so much of a model of which nothing is configured."""


class Answers(msgspec.Struct, frozen=True):
    """How many answers a request asks for, and how long each may be."""

    count: int = 1
    tokens: int | None = None
    """Of one answer, in the request's words; None = it does not say."""

    def expected(self) -> int:
        """Return about how many tokens will be written."""
        return self.count * (ASSUMED_ANSWER_TOKENS if self.tokens is None else self.tokens)

    def most(self, models: Iterable[Model]) -> int:
        """Return how many tokens may be written at most by any of `models`."""
        return self.count * max(_most_tokens(model, self.tokens) for model in models)


def answers_of(fields: Members) -> Answers:
    """Read a request's own limits. Of several lengths the largest counts, as an upstream may follow any of them."""
    lengths = [number for name in _LENGTHS if name in fields and (number := _number(fields, name)) is not None]
    each = max([_number(fields, name) or 1 for name in _COUNTS if name in fields], default=1)
    count = min(max(each, 1) * _prompts(fields), _MOST_ANSWERS)
    return Answers(count, min(max(lengths), _MOST_TOKENS) if lengths else None)


def limit_answer(fields: Members, name: str, most: int) -> None:
    """Lower the length that a request asks for to `most` tokens; one that asks for none is given it as `name`."""
    lengths = [each for each in _LENGTHS if each in fields]
    for each in lengths:
        number = _number(fields, each)
        if (number is None and not _is_zero(fields, each)) or (number or 0) > most:
            wire.put(fields, each, most)
    if name not in lengths:
        wire.put(fields, name, most)


def _is_zero(fields: Members, name: str) -> bool:
    return bytes(fields[name]) == b"0"


def most_credible(model: Model, size: int, answers: int) -> Most:
    """Return how many tokens an upstream may report for a request of `size` bytes.

    No text has more tokens than bytes; images by address have more, within the window.
    """
    window, output = model.context_window, model.max_output_tokens or model.context_window
    return Most(
        input=max(size, _SLACK * window if window else _UNKNOWN_TOKENS),
        output=answers * (_SLACK * output if output else _UNKNOWN_TOKENS),
    )


def _most_tokens(model: Model, asked: int | None) -> int:
    """Return the most tokens of one answer: what is asked, else the configured limit, else what is assumed."""
    limit = model.max_output_tokens or model.context_window
    if asked is not None:
        return min(asked, limit) if limit else asked
    configured = model.configured("max_output_tokens") or model.configured("context_window")
    return configured or min(limit or UNKNOWN_ANSWER_TOKENS, UNKNOWN_ANSWER_TOKENS)


def _number(fields: Members, name: str) -> int | None:
    """Return a member as a whole number above 0, also where it is written as a text; None where it limits nothing.

    Servers take 0 and -1 for "as much as you like".
    """
    kind = wire.kind(fields, name)
    if kind not in (int, str):
        return None
    found = wire.value(fields, name)
    try:
        number = math.ceil(float(found)) if len(str(found)) < 32 else _MOST_TOKENS
    except (ValueError, OverflowError):
        return None
    return number if number > 0 else None


def _prompts(fields: Members) -> int:
    """Return how many prompts a request of Completions has: each is answered. Raises `InvalidRequest` over 2,048."""
    raw = fields.get("prompt")
    if raw is None or wire.kind(fields, "prompt") is not list:
        return 1
    if wire.holds_numbers(raw):
        return 1  # one prompt, in tokens
    return max(wire.count_items(raw, _MOST_PROMPTS, "prompt"), 1)
