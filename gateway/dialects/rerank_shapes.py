"""Rerank in the shapes that only upstreams speak: Cohere's v2, and Amazon Bedrock by both of its ways.

Sources: docs.cohere.com/reference/rerank; docs.aws.amazon.com/bedrock: API_agent-runtime_Rerank, rerank-use.
"""

from gateway.dialects import chat, rerank
from gateway.dialects.contract import UpstreamDialect
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.usage import Usage
from gateway.wire import Members


def _no_error(answer: Members) -> bool:
    """Return False: no client speaks these shapes, so none gets their errors untouched."""
    return False


def _accept(fields: Members) -> None:
    """Accept anything: requests are written by the gateway alone."""


def _uncounted(answer: Members) -> Usage | None:
    """Return None: Amazon counts nothing."""
    return None


def _row(dialect: str, path: str, upstream: UpstreamDialect) -> Endpoint:
    return Endpoint(dialect, path, ("rerank",), _accept, chat.CLIENT, upstream, prompt=(), streams=False)


_OF_COHERE = UpstreamDialect(_no_error, rerank.failure, rerank.usage_of, chat.relay)
_OF_AMAZON = UpstreamDialect(_no_error, rerank.failure, _uncounted, chat.relay)
COHERE = _row("cohere-rerank", "/rerank", _OF_COHERE)
BEDROCK = _row("bedrock-rerank", "/rerank", _OF_AMAZON)
"""Of the agents' runtime, which wants a signature."""
INVOKED = _row("invoke-rerank", "/invoke-rerank", _OF_AMAZON)
"""By InvokeModel, which takes keys, too."""
