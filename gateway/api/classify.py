"""How urgent a request is, and where it would rather go."""

from collections.abc import Mapping

import msgspec

from gateway import wire
from gateway.affinity import PREFIX_BYTES, Hints
from gateway.demand import answers_of
from gateway.dialects.estimates import estimate_json
from gateway.errors import InvalidRequest
from gateway.identity.caller import Caller
from gateway.identity.client import AGENTS
from gateway.identity.policy import CLASSES, Policy, TrafficClass
from gateway.ledger.recorder import Recorder
from gateway.wire import Members

CLASS_HEADER = "x-sekisho-class"

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

_BY_DIALECT: dict[str, TrafficClass] = dict.fromkeys(("completions", "fim", "infill"), "completion")
_LARGE_PROMPT_BYTES = 64 * 1024
_PROMPTS = ("messages", "input", "prompt")


def traffic_class(task: str, client: str, dialect: str, headers: Mapping[str, str], policy: Policy) -> TrafficClass:
    """Return the class of a request: what its kind says, then its key or team; a header may only make it less urgent.

    Raises `InvalidRequest` where the header names no class.
    """
    found: TrafficClass = policy.traffic_class or "chat"
    if task in _TASKS:
        found = "task"
    elif client in AGENTS and policy.traffic_class is None:
        found = "agent"
    found = _BY_DIALECT.get(dialect, found)
    return _lowered(found, headers.get(CLASS_HEADER))


def hints(fields: Members, size: int) -> Hints:
    """Conversation and work of a request whose body has `size` bytes."""
    prompt = next((fields[name] for name in _PROMPTS if name in fields), None)
    prefix = bytes(memoryview(prompt)[:PREFIX_BYTES]) if prompt is not None else b""
    response_id = fields.get("previous_response_id")
    known = wire.value(fields, "previous_response_id") if response_id is not None else None
    answers = answers_of(fields)
    return Hints(
        response_id=known if isinstance(known, str) else None,
        prefix=prefix,
        input_tokens=_prompt_tokens(prompt, size),
        answer_tokens=answers.expected(),
        answers=answers,
        size=size,
    )


def of_typing(about: Hints, recorder: Recorder, caller: Caller) -> Hints:
    """Return the hints of a completion: what a person types goes to the server that has their files cached.

    The texts before the cursor begin elsewhere with each line, so that they tell nothing.
    """
    who = (caller.user_id or caller.key.id, recorder.client, recorder.client_ip or "", recorder.model or "")
    return msgspec.structs.replace(about, prefix="\n".join(who).encode("utf-8", "replace"))


def _prompt_tokens(prompt: msgspec.Raw | None, size: int) -> int:
    """Return about how many tokens a prompt has, on the safe side.

    Three bytes are one Japanese character and about one token. Where much of it may be an image, it is looked at.
    """
    if prompt is not None and size > _LARGE_PROMPT_BYTES and b"base64" in (text := bytes(prompt)):
        return estimate_json(text)
    return size // 3


def _lowered(found: TrafficClass, asked: str | None) -> TrafficClass:
    if asked is None:
        return found
    if asked not in CLASSES:
        raise InvalidRequest(f"The header {CLASS_HEADER} must be one of {', '.join(CLASSES)}.", param=CLASS_HEADER)
    return CLASSES[max(CLASSES.index(found), CLASSES.index(asked))]
