"""OpenAI's Images: pictures made of words.

Source: platform.openai.com/docs/api-reference/images.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from gateway import lenient, wire
from gateway.dialects import chat
from gateway.dialects.contract import ClientDialect, UpstreamDialect
from gateway.dialects.endpoint import Batching, Endpoint, PerCall
from gateway.dialects.image_kinds import kind_of
from gateway.dialects.images_stream import ImagesRelay, edit_as_stream, generation_as_stream
from gateway.dialects.relay import NativeRelay
from gateway.dialects.usage import Media, Usage, from_media
from gateway.errors import InvalidRequest
from gateway.wire import Members

MOST_IMAGES = 10
"""Of one request, as OpenAI takes them."""
_MOST_TOKENS = 8192
"""Of one image, where models count tokens; more than the largest of today take."""
_LONGEST_KIND = 32
_count = msgspec.json.Decoder(list[msgspec.Raw]).decode


def check(fields: Members) -> None:
    """Check the prompt and how many images are wanted. Raises `InvalidRequest` naming the member."""
    wire.require(fields, "prompt", str)
    check_number(fields)


def check_number(fields: Members) -> None:
    """Check `n`, a number in JSON and a text in a form. Raises `InvalidRequest`."""
    if wire.kind(fields, "n") is None:
        return
    found = wire.value(fields, "n")
    number = int(found) if isinstance(found, str) and found.isdecimal() and len(found) < 4 else found
    if type(number) is not int or not 1 <= number <= MOST_IMAGES:
        raise InvalidRequest(
            f"The field 'n' must be a whole number from 1 to {MOST_IMAGES}.", code="invalid_value", param="n"
        )


def most(fields: Members) -> Usage:
    """Return the most that a checked request can use."""
    number = int(wire.value(fields, "n") or 1)
    return Usage(images=number, output=number * _MOST_TOKENS)


def failure(answer: Members) -> bool:
    """Return whether a whole answer with status 200 is an error."""
    return lenient.says(answer.get("error")) or wire.kind(answer, "data") is not list


def usage_of(answer: Members) -> Usage | None:
    """Return how many images a whole answer has, and the tokens where the model counts them."""
    try:
        images = len(_count(answer.get("data", b"[]")))
    except lenient.UNREADABLE:
        images = 0
    usage = from_media(lenient.peek(answer, "usage")) or Usage()
    return with_kind(msgspec.structs.replace(usage, images=images), answer)


def with_kind(usage: Usage, told: Members) -> Usage:
    """Return counts with the size and the quality that a request or an answer names, where nothing told them before."""
    media = usage.media or Media()
    size, _, quality = (media.image_kind or "/").partition("/")
    kind = kind_of(size or _short(told, "size"), quality or _short(told, "quality"))
    if kind is None or kind == media.image_kind:
        return usage
    return msgspec.structs.replace(usage, media=msgspec.structs.replace(media, image_kind=kind))


def _short(told: Members, name: str) -> object:
    """Return a short text; None where a member is absent, or something else."""
    return wire.value(told, name) if wire.kind(told, name) is str and len(told[name]) < _LONGEST_KIND else None


def split(fields: Members, most: PerCall) -> list[Members]:
    """Return a checked request as requests of at most so many images each; with a seed of its own each."""
    number = int(wire.value(fields, "n") or 1)
    if most.inputs is None or number <= most.inputs:
        return [fields]
    starts = range(0, number, most.inputs)
    parts = [{**fields, "n": _raw(min(most.inputs, number - start))} for start in starts]
    seed = lenient.peek(fields, "seed")
    if type(seed) is int:
        for at, part in enumerate(parts):
            part["seed"] = _raw(seed + at)
    return parts


def join(answers: Sequence[Members]) -> Members:
    """Return the answers to a split request as one, with the sum of their counts."""
    images = [image for answer in answers for image in _count(answer.get("data", b"[]"))]
    joined = {**answers[0], "data": msgspec.Raw(wire.encode(images))}
    counts = [found for answer in answers if isinstance(found := lenient.peek(answer, "usage"), dict)]
    if counts:
        wire.put(joined, "usage", _added(counts))
    return joined


def _added(counts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return objects of numbers as one, each number the sum."""
    added: dict[str, Any] = {}
    for name, value in counts[0].items():
        values = [each.get(name) for each in counts]
        if isinstance(value, dict):
            added[name] = _added([each for each in values if isinstance(each, dict)])
        elif type(value) is int:
            added[name] = sum(each for each in values if type(each) is int)
    return added


def _raw(number: int) -> msgspec.Raw:
    return msgspec.Raw(b"%d" % number)


def _as_it_is(fields: Members, answer: Members) -> Members:
    return answer


def relay(model: str, request: Members) -> NativeRelay:
    return ImagesRelay(model, usage_of)


CLIENT = ClientDialect(chat.error_body, chat.error_event, personal=("user",))
UPSTREAM = UpstreamDialect(chat.is_error, failure, usage_of, relay, as_stream=generation_as_stream)
GENERATIONS = Endpoint(
    "images",
    "/images/generations",
    ("image",),
    check,
    CLIENT,
    UPSTREAM,
    prompt=("prompt",),
    task="image",
    pseudonym="user",
    names_model=False,
    most=most,
    told=with_kind,
    batching=Batching(split, join, _as_it_is),
)
EDITS = replace(
    GENERATIONS,
    path="/images/edits",
    body="multipart",
    files=("image", "image[]"),
    upstream=replace(UPSTREAM, as_stream=edit_as_stream),
)
VARIATIONS = replace(EDITS, path="/images/variations", check=check_number, prompt=(), streams=False)
