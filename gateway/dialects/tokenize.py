"""Token ids of texts and texts of token ids, as vLLM tells them; llama.cpp does so in a shape of its own.

Source: docs.vllm.ai, Tokenizer API; github.com/ggml-org/llama.cpp, tools/server/README.md.
"""

from dataclasses import replace

from gateway import lenient, wire
from gateway.dialects import chat
from gateway.dialects.contract import ClientDialect, UpstreamDialect
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.usage import Usage
from gateway.errors import InvalidRequest
from gateway.wire import Members

MOST_TOKENS = 1_000_000
_TEXTS = ("prompt", "content", "messages")
"""vLLM's text, llama.cpp's, and a conversation."""


def _check_texts(fields: Members) -> None:
    """Check that there is a text, or a conversation. Raises `InvalidRequest` naming the member."""
    if all(wire.kind(fields, name) is None for name in _TEXTS):
        raise InvalidRequest(
            "The field 'prompt' is missing; it must be a text, or 'messages' a conversation.",
            code="missing_field",
            param="prompt",
        )
    for name, kind in zip(_TEXTS, (str, str, list), strict=True):
        if wire.kind(fields, name) not in (kind, None):
            wire.require(fields, name, kind)


def _check_tokens(fields: Members) -> None:
    wire.require(fields, "tokens", list)
    wire.count_items(fields["tokens"], MOST_TOKENS, "tokens")


def _lacks_tokens(answer: Members) -> bool:
    """Return whether a whole answer with status 200 is an error."""
    return lenient.says(answer.get("error")) or wire.kind(answer, "tokens") is not list


def _lacks_text(answer: Members) -> bool:
    return lenient.says(answer.get("error")) or not any(wire.kind(answer, name) is str for name in _TEXTS[:2])


def _no_usage(answer: Members) -> Usage | None:
    """Return None: no model runs for it."""
    return None


CLIENT = ClientDialect(chat.error_body, chat.error_event, personal=("user",))
_MODES = ("chat", "completion", "embedding", "rerank")
TOKENIZE = Endpoint(
    "tokenize",
    "/tokenize",
    _MODES,
    _check_texts,
    CLIENT,
    UpstreamDialect(chat.is_error, _lacks_tokens, _no_usage, chat.relay),
    prompt=(),
    streams=False,
    task="tokenize",
    optional=True,
    names_model=False,
    also=("/tokenize",),
)
DETOKENIZE = replace(
    TOKENIZE,
    path="/detokenize",
    check=_check_tokens,
    upstream=UpstreamDialect(chat.is_error, _lacks_text, _no_usage, chat.relay),
    also=("/detokenize",),
)
LLAMA_TOKENIZE = replace(TOKENIZE, dialect="llama-tokenize", also=())
LLAMA_DETOKENIZE = replace(DETOKENIZE, dialect="llama-tokenize", also=())
"""Of llama.cpp, which only upstreams speak."""
