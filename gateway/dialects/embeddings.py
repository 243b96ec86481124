"""OpenAI's Embeddings: what requests must hold, how they are split and joined, what answers must have.

Source: platform.openai.com/docs/api-reference/embeddings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec

from gateway import lenient, wire
from gateway.dialects import chat
from gateway.dialects.endpoint import Batching, Endpoint, PerCall
from gateway.dialects.usage import Usage, from_chat, from_rerank
from gateway.dialects.vectors import check_count, data_of, in_format, is_base64, items_of, wrong_vectors
from gateway.errors import InvalidRequest
from gateway.wire import Members

MOST_INPUTS = 2048
"""Of one request, as OpenAI takes them."""
BASE64 = b'"base64"'
_COUNTS = ("prompt_tokens", "total_tokens")
_QUOTE, _EMPTY_BYTES = ord('"'), 2
"""Of `[]` and `""`."""
_read_inputs = msgspec.json.Decoder(list[msgspec.Raw]).decode


def check(fields: Members) -> None:
    """Check the input. Raises `InvalidRequest`."""
    wire.require(fields, "input", str, list)
    count_inputs(fields)


def count_inputs(fields: Members) -> int:
    """Return how many inputs a request has: a text, tokens, or a list of them. Raises `InvalidRequest` over 2,048."""
    if wire.kind(fields, "input") is not list:
        return 1
    text = bytes(fields["input"])
    if text.find(b'"') >= 0:
        return wire.count_items(fields["input"], MOST_INPUTS, "input")
    if (arrays := text.count(b"[") - 1) > MOST_INPUTS:  # of tokens, which may be millions
        raise InvalidRequest(f"The field 'input' has more than {MOST_INPUTS:,} items; send fewer.", param="input")
    return arrays or 1


def inputs_of(fields: Members, *kinds: type) -> list[msgspec.Raw]:
    """Return the list of a checked request. Raises `InvalidRequest` for an item that is empty, or of another kind."""
    try:
        inputs = _read_inputs(fields["input"])
    except lenient.UNREADABLE:
        raise InvalidRequest("The field 'input' cannot be read.", code="invalid_json", param="input") from None
    for number, each in enumerate(inputs):
        if memoryview(each)[0] == _QUOTE and len(each) > _EMPTY_BYTES:
            continue  # space is a text, too
        wire.require({f"input[{number}]": each}, f"input[{number}]", *kinds)
    return inputs


def split(fields: Members, most: PerCall) -> list[Members]:
    """Return a checked request as requests of at most `most`. Raises `InvalidRequest` where it cannot be cut."""
    count, raw = count_inputs(fields), fields["input"]
    if count == 1 or (count <= (most.inputs or count) and len(raw) <= (most.size or len(raw))):
        return [fields]
    inputs = inputs_of(fields, str, list, dict)  # objects are images and texts of servers on premises
    return [{**fields, "input": msgspec.Raw(b"[%s]" % b",".join(batch))} for batch in _batches(inputs, most)]


def _batches(inputs: list[msgspec.Raw], most: PerCall) -> Iterator[list[bytes]]:
    batch, size = list[bytes](), 0
    for each in map(bytes, inputs):
        full = len(batch) == most.inputs or (most.size is not None and size + len(each) > most.size)
        if batch and full:
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += len(each)
    yield batch


def join(answers: Sequence[Members]) -> Members:
    """Return the answers to a split request as one."""
    vectors = (bytes(item.embedding) for answer in answers for item in items_of(answer))
    joined = {**answers[0], "data": data_of(vectors)}
    joined.pop("usage", None)
    return joined


def checked(fields: Members, answer: Members) -> Members:
    """Return an answer with a vector for each input, in the format that was asked for. Raises `UpstreamUnreachable`."""
    items = items_of(answer)
    check_count(len(items), count_inputs(fields))
    if any(len(item.embedding) <= _EMPTY_BYTES or memoryview(item.embedding)[0] not in b'["' for item in items):
        raise wrong_vectors("answered without one of the vectors")
    asked = bytes(fields.get("encoding_format", b"null"))
    fits = {is_base64(item.embedding) is (asked == BASE64) for item in items} == {True}
    if fits or asked not in (BASE64, b'"float"'):
        return answer
    return {**answer, "data": data_of(in_format(item.embedding, base64=asked == BASE64) for item in items)}


def usage_of(answer: Members) -> Usage | None:
    """Return the tokens of the texts; some servers tell only a total, which is the same."""
    told = lenient.peek(answer, "usage")
    found = from_chat(told) or from_rerank(told, None)
    return Usage(input=found.input) if found else None


def put_usage(answer: Members, usage: Usage) -> bool:
    """Put the tokens of the texts into an answer that lacks them: clients need both counts. Returns whether it did."""
    told = lenient.peek(answer, "usage")
    if isinstance(told, dict) and all(type(told.get(name)) is int for name in _COUNTS):
        return False
    more = told if isinstance(told, dict) else {}
    wire.put(answer, "usage", {**more, **dict.fromkeys(_COUNTS, usage.input or 0)})
    return True


CLIENT = replace(chat.CLIENT, put_usage=put_usage)
EMBEDDINGS = Endpoint(
    "embeddings",
    "/embeddings",
    ("embedding",),
    check,
    CLIENT,
    replace(chat.UPSTREAM, usage=usage_of),
    prompt=("input",),
    streams=False,
    task="embedding",
    pseudonym="user",
    batching=Batching(split, join, checked),
)
