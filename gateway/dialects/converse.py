"""Amazon Bedrock's Converse and ConverseStream, which only upstreams speak: what answers tell.

Source: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and botocore's service model.
"""

from gateway import lenient
from gateway.dialects.chat import CLIENT
from gateway.dialects.contract import UpstreamDialect
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.messages import relay
from gateway.dialects.usage import Usage, from_converse
from gateway.wire import Members

PATH = "/converse"
MALFORMED = ("malformed_tool_use", "malformed_model_output")
"""Stop reasons of answers that are none: what the model wrote could not be read."""


def usage_of(answer: Members) -> Usage | None:
    """Return the token counts of a whole answer."""
    return from_converse(lenient.peek(answer, "usage"))


def failure(answer: Members) -> bool:
    """Return whether a whole answer with status 200 is an error: an unknown operation, a malformed call of a tool."""
    return not lenient.says(answer.get("output")) or lenient.peek(answer, "stopReason") in MALFORMED


def _is_error(answer: Members) -> bool:
    """Return False: no client speaks Converse, so none gets its errors untouched."""
    return False


def _check(fields: Members) -> None:
    """Accept anything: requests are written by the gateway alone."""


def _counts_nothing(answer: Members) -> bool:
    return "inputTokens" not in answer


def _no_usage(answer: Members) -> Usage | None:
    return None


UPSTREAM = UpstreamDialect(is_error=_is_error, failure=failure, usage=usage_of, relay=relay)
COUNT_PATH = "/count-tokens"
CONVERSE_COUNT = Endpoint(
    "converse",
    COUNT_PATH,
    ("chat", "agent"),
    _check,
    CLIENT,
    UpstreamDialect(is_error=_is_error, failure=_counts_nothing, usage=_no_usage, relay=relay),
    prompt=(),
    streams=False,
    task="count_tokens",
    counts=("messages",),
    optional=True,
    names_model=False,
)
"""Source: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html."""
CONVERSE = Endpoint("converse", PATH, ("chat", "agent"), _check, CLIENT, UPSTREAM, prompt=())
