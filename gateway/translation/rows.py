"""Which endpoint of an upstream serves the clients of another endpoint."""

from itertools import permutations

from gateway.dialects.chat import CHAT
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.gemini import GEMINI
from gateway.dialects.messages import MESSAGES
from gateway.dialects.responses import RESPONSES
from gateway.translation import chat, gemini, messages, responses
from gateway.translation.codec import Codec
from gateway.translation.contract import Translated
from gateway.translation.crossing import Conversations

CODECS: tuple[tuple[Endpoint, Codec], ...] = (
    (CHAT, chat.CODEC),
    (RESPONSES, responses.CODEC),
    (MESSAGES, messages.CODEC),
    (GEMINI, gemini.CODEC),
)
"""The endpoints of conversations, each with the codec of its dialect."""

TRANSLATIONS: dict[tuple[str, str], Translated] = {
    (ours.path, theirs.dialect): Translated(theirs, Conversations(client, upstream))
    for (ours, client), (theirs, upstream) in permutations(CODECS, 2)
}
"""By the client's path and the upstream's dialect."""
