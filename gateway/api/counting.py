"""The tokens of one request: the upstream's counts as far as they can be, else estimates that are marked as such."""

import time
from collections.abc import Callable

import msgspec

from gateway.api.ask import Ask
from gateway.api.exchange import Exchange
from gateway.demand import most_credible
from gateway.dialects.usage import Usage, credible

_TOKENS_PER_SECOND = 50
"""Assumed of an upstream whose answer nobody waited for: about what a model of middle size writes."""


def counted(exchange: Exchange, ask: Ask, reported: Usage | None, written: Callable[[], int]) -> Usage | None:
    """Return the counts of a request that was answered, wholly or in part.

    `reported` is what the upstream reported, of which what it bills counts; `written` returns an estimate of the
    answer's tokens. None where the endpoint counts nothing and nothing was reported.
    """
    endpoint = ask.endpoint
    if reported is None and not endpoint.prompt:
        return None
    usage = _completed(exchange, ask, reported.charged if reported else Usage(), written)
    return endpoint.told(usage, ask.payload.fields) if endpoint.told else usage


def _completed(exchange: Exchange, ask: Ask, reported: Usage, written: Callable[[], int]) -> Usage:
    """Return the counts that can be, with estimates of those that are missing."""
    endpoint, model = ask.endpoint, exchange.target.model if exchange.target else ask.model
    usage = credible(reported, most_credible(model, ask.hints.size, ask.hints.answers.count))
    if usage.measured:
        return usage
    if not usage.input:  # a prompt without tokens does not exist
        usage = msgspec.structs.replace(usage, input=endpoint.prompt_tokens(ask.payload.fields), source="estimated")
    if not usage.output and endpoint.answer and (tokens := written()) != usage.output:
        usage = msgspec.structs.replace(usage, output=tokens, source="estimated")
    return usage


def left(exchange: Exchange, ask: Ask, written: int | None = None) -> Usage | None:
    """Return an estimate for an answer that nobody waited for; None where no upstream was asked.

    `written` is how many tokens of it are known; None = as many as the time allows.
    """
    if not exchange.asked_at:
        return None
    if written is None:
        answers, seconds = ask.hints.answers, time.perf_counter() - exchange.asked_at
        written = min(round(seconds * _TOKENS_PER_SECOND) * answers.count, answers.most([ask.model]))
    tokens = written
    return counted(exchange, ask, None, lambda: tokens)
