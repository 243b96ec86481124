"""Every endpoint by which a model is asked."""

from gateway.dialects.audio import SPEECH, TRANSCRIPTIONS, TRANSLATIONS
from gateway.dialects.chat import CHAT, COMPLETIONS
from gateway.dialects.embeddings import EMBEDDINGS
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.fim import FIM
from gateway.dialects.gemini import GEMINI, GEMINI_COUNT
from gateway.dialects.images import EDITS, GENERATIONS, VARIATIONS
from gateway.dialects.infill import INFILL
from gateway.dialects.messages import COUNT_TOKENS, MESSAGES
from gateway.dialects.moderations import MODERATIONS
from gateway.dialects.rerank import RERANK
from gateway.dialects.responses import COMPACT, INPUT_TOKENS, RESPONSES
from gateway.dialects.score import SCORE
from gateway.dialects.tokenize import DETOKENIZE, TOKENIZE

ENDPOINTS: tuple[Endpoint, ...] = (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    RESPONSES,
    INPUT_TOKENS,
    COMPACT,
    MESSAGES,
    COUNT_TOKENS,
    GEMINI,
    GEMINI_COUNT,
    FIM,
    INFILL,
    RERANK,
    SCORE,
    TOKENIZE,
    DETOKENIZE,
    GENERATIONS,
    EDITS,
    VARIATIONS,
    TRANSCRIPTIONS,
    TRANSLATIONS,
    SPEECH,
    MODERATIONS,
)
