"""How urgent a request is, and where it would rather go."""

from collections.abc import Mapping

from gateway import wire
from gateway.affinity import PREFIX_BYTES, Hints
from gateway.errors import InvalidRequest
from gateway.identity.client import AGENTS
from gateway.identity.keys import Key
from gateway.identity.policy import CLASSES, TrafficClass
from gateway.ledger.record import Record
from gateway.wire import Members

CLASS_HEADER = "x-sekisho-class"
SUPERSEDE_HEADER = "x-sekisho-supersede"

_TASKS = {
    "title_generation",
    "tags_generation",
    "follow_up_generation",
    "emoji_generation",
    "image_prompt_generation",
    "autocomplete_generation",
    "memory_review",
    "context_compaction",
}
"""Open WebUI's background calls that nobody waits for."""

_BY_API: dict[str, TrafficClass] = {"completions": "completion"}
_PROMPTS = ("messages", "input", "prompt")
_ANSWER_TOKENS = 512
"""Assumed where a request does not say how long its answer may be."""


def traffic_class(record: Record, headers: Mapping[str, str], key: Key) -> TrafficClass:
    """The class of a request: what its kind says, then its key; a header may only make it less urgent.

    Raises `InvalidRequest` where the header names no class.
    """
    found: TrafficClass = key.policy.traffic_class or "chat"
    if record.task in _TASKS:
        found = "task"
    elif record.client in AGENTS and key.policy.traffic_class is None:
        found = "agent"
    found = _BY_API.get(record.api, found)
    return _lowered(found, headers.get(CLASS_HEADER))


def hints(fields: Members, size: int) -> Hints:
    """Conversation and work of a request whose body has `size` bytes."""
    prompt = next((fields[name] for name in _PROMPTS if name in fields), None)
    prefix = bytes(memoryview(prompt)[:PREFIX_BYTES]) if prompt is not None else b""
    response_id = fields.get("previous_response_id")
    known = wire.value(fields, "previous_response_id") if response_id is not None else None
    return Hints(
        response_id=known if isinstance(known, str) else None,
        prefix=prefix,
        # Three bytes are one Japanese character and about one token; in English it is on the safe side.
        input_tokens=size // 3,
        answer_tokens=answer_tokens(fields),
    )


def answer_tokens(fields: Members) -> int:
    """The most tokens that the answer may have, or an assumption."""
    for name in ("max_completion_tokens", "max_tokens", "max_output_tokens"):
        if wire.kind(fields, name) is int:
            asked = wire.value(fields, name)
            return int(min(max(asked, 0), 10**9))
    return _ANSWER_TOKENS


def _lowered(found: TrafficClass, asked: str | None) -> TrafficClass:
    if asked is None:
        return found
    if asked not in CLASSES:
        raise InvalidRequest(f"The header {CLASS_HEADER} must be one of {', '.join(CLASSES)}.", param=CLASS_HEADER)
    return CLASSES[max(CLASSES.index(found), CLASSES.index(asked))]
