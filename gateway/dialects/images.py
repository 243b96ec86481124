"""OpenAI's Images: pictures made of words.

Source: platform.openai.com/docs/api-reference/images.
"""

from dataclasses import replace

import msgspec

from gateway import lenient, wire
from gateway.dialects import chat
from gateway.dialects.contract import ClientDialect, UpstreamDialect
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.usage import Usage, from_responses
from gateway.errors import InvalidRequest
from gateway.wire import Members

MOST_IMAGES = 10
"""Of one request, as OpenAI takes them."""
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
    return Usage(images=int(wire.value(fields, "n") or 1))


def failure(answer: Members) -> bool:
    """Return whether a whole answer with status 200 is an error."""
    return lenient.says(answer.get("error")) or wire.kind(answer, "data") is not list


def usage_of(answer: Members) -> Usage | None:
    """Return how many images a whole answer has, and the tokens where the model counts them."""
    try:
        images = len(_count(answer.get("data", b"[]")))
    except lenient.UNREADABLE:
        images = 0
    tokens = from_responses(lenient.peek(answer, "usage")) or Usage()
    return msgspec.structs.replace(tokens, images=images)


CLIENT = ClientDialect(chat.error_body, chat.error_event, personal=("user",))
UPSTREAM = UpstreamDialect(chat.is_error, failure, usage_of, chat.relay)
GENERATIONS = Endpoint(
    "images",
    "/images/generations",
    ("image",),
    check,
    CLIENT,
    UPSTREAM,
    prompt=("prompt",),
    streams=False,
    task="image",
    pseudonym="user",
    names_model=False,
    most=most,
)
EDITS = replace(GENERATIONS, path="/images/edits", body="multipart", files=("image", "image[]"))
VARIATIONS = replace(EDITS, path="/images/variations", check=check_number, prompt=())
