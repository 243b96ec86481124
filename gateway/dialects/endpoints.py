"""Every endpoint by which a model is asked."""

from gateway.dialects.chat import CHAT, COMPLETIONS, EMBEDDINGS
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.messages import COUNT_TOKENS, MESSAGES
from gateway.dialects.responses import RESPONSES

ENDPOINTS: tuple[Endpoint, ...] = (CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES, MESSAGES, COUNT_TOKENS)
