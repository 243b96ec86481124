"""Which endpoint of an upstream serves the clients of another endpoint."""

from itertools import permutations, product

from gateway.dialects.audio import SPEECH, TRANSCRIPTIONS
from gateway.dialects.audio import TRANSLATIONS as AUDIO_TRANSLATIONS
from gateway.dialects.chat import CHAT
from gateway.dialects.cohere import COHERE
from gateway.dialects.converse import CONVERSE, CONVERSE_COUNT
from gateway.dialects.embeddings import EMBEDDINGS
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.gemini import GEMINI, GEMINI_COUNT
from gateway.dialects.images import EDITS, GENERATIONS, VARIATIONS
from gateway.dialects.messages import COUNT_TOKENS, MESSAGES
from gateway.dialects.rerank import RERANK
from gateway.dialects.responses import INPUT_TOKENS, RESPONSES
from gateway.translation import audio, chat, cohere, converse, gemini, images, messages, responses, tokens
from gateway.translation.audio import Audio
from gateway.translation.codec import Codec
from gateway.translation.contract import Translated
from gateway.translation.counting import Counts
from gateway.translation.crossing import Conversations
from gateway.translation.embeddings import SHAPES, Embeddings
from gateway.translation.images import Images
from gateway.translation.images.asked import Task
from gateway.translation.rerank import SHAPES as ORDERS
from gateway.translation.rerank import Reranks

CODECS: tuple[tuple[Endpoint, Codec], ...] = (
    (CHAT, chat.CODEC),
    (RESPONSES, responses.CODEC),
    (MESSAGES, messages.CODEC),
    (GEMINI, gemini.CODEC),
)
"""The endpoints of conversations, each with the codec of its dialect."""
UPSTREAM_CODECS: tuple[tuple[Endpoint, Codec], ...] = ((CONVERSE, converse.CODEC), (COHERE, cohere.CODEC))
"""Those that only upstreams have."""

_COUNTING = {
    MESSAGES.dialect: COUNT_TOKENS,
    RESPONSES.dialect: INPUT_TOKENS,
    GEMINI.dialect: GEMINI_COUNT,
    CONVERSE.dialect: CONVERSE_COUNT,
}
"""Endpoints that count a prompt's tokens; upstreams of other dialects have none, and their counts are estimated."""

IMAGE_TASKS: tuple[tuple[Endpoint, Task], ...] = ((GENERATIONS, "generate"), (EDITS, "edit"), (VARIATIONS, "vary"))
_VECTORS = {
    (EMBEDDINGS.path, shape.endpoint.dialect): Translated(shape.endpoint, Embeddings(shape)) for shape in SHAPES
}
_ORDERS = {(RERANK.path, shape.endpoint.dialect): Translated(shape.endpoint, Reranks(shape)) for shape in ORDERS}
_TOKENS = {(theirs.path, theirs.dialect): Translated(theirs, way) for theirs, way in tokens.WAYS}
_IMAGES = {
    (ours.path, shape.endpoint.dialect): Translated(shape.endpoint, Images(task, shape))
    for ours, task in IMAGE_TASKS
    for shape in (images.GEMINI, images.STABILITY)
}
_AUDIO = {
    (ours.path, shape.endpoint.dialect): Translated(shape.endpoint, Audio(shape))
    for ours, shape in (
        (SPEECH, audio.SPEECH),
        (TRANSCRIPTIONS, audio.TRANSCRIPTS),
        (AUDIO_TRANSLATIONS, audio.TRANSLATIONS),
    )
}
TRANSLATIONS: dict[tuple[str, str], Translated] = (
    _VECTORS
    | _ORDERS
    | _TOKENS
    | _IMAGES
    | _AUDIO
    | {
        (ours.path, theirs.dialect): Translated(theirs, Conversations(client, upstream))
        for (ours, client), (theirs, upstream) in (*permutations(CODECS, 2), *product(CODECS, UPSTREAM_CODECS))
    }
    | {
        (_COUNTING[ours.dialect].path, theirs.dialect): Translated(
            _COUNTING.get(theirs.dialect, theirs), Counts(client, upstream)
        )
        for (ours, client), (theirs, upstream) in (*permutations(CODECS, 2), *product(CODECS, UPSTREAM_CODECS))
        if ours.dialect in _COUNTING
    }
)
"""By the client's path and the upstream's dialect."""
