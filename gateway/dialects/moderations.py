"""OpenAI's Moderations: what of a text or an image is harmful.

Source: platform.openai.com/docs/api-reference/moderations.
"""

from gateway import wire
from gateway.dialects import chat, rerank
from gateway.dialects.contract import UpstreamDialect
from gateway.dialects.endpoint import Endpoint
from gateway.wire import Members


def check(fields: Members) -> None:
    wire.require(fields, "input", str, list)


UPSTREAM = UpstreamDialect(chat.is_error, rerank.failure, chat.usage_of, chat.relay)
MODERATIONS = Endpoint(
    "moderations",
    "/moderations",
    ("moderation",),
    check,
    chat.CLIENT,
    UPSTREAM,
    prompt=("input",),
    streams=False,
    task="moderation",
)
