"""vLLM's Score: how well pairs of texts go together, by models that rank or make vectors.

Source: docs.vllm.ai, Score API.
"""

from gateway import lenient, wire
from gateway.dialects import chat
from gateway.dialects.contract import ClientDialect, UpstreamDialect
from gateway.dialects.endpoint import Endpoint
from gateway.wire import Members

_PAIRS = (("text_1", "text_2"), ("data_1", "data_2"), ("queries", "documents"), ("queries", "items"))
"""Names of both sides, in vLLM's older and newer words."""


def check(fields: Members) -> None:
    """Check that both sides are there. Raises `InvalidRequest` naming the one that is not."""
    for name in max(_PAIRS, key=lambda pair: sum(wire.kind(fields, name) is not None for name in pair)):
        wire.require(fields, name, str, list, dict)


def failure(answer: Members) -> bool:
    """Return whether a whole answer with status 200 is an error."""
    return lenient.says(answer.get("error")) or wire.kind(answer, "data") is not list


CLIENT = ClientDialect(chat.error_body, chat.error_event, personal=("user",))
SCORE = Endpoint(
    "score",
    "/score",
    ("rerank", "embedding"),
    check,
    CLIENT,
    UpstreamDialect(chat.is_error, failure, chat.usage_of, chat.relay),
    prompt=tuple(dict.fromkeys(name for pair in _PAIRS for name in pair)),
    streams=False,
    task="rerank",
    optional=True,
    also=("/score",),
)
