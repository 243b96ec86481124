"""Where a request would rather go: to the deployment that already knows its conversation.

A `previous_response_id` is known only to the deployment that issued it. A vLLM server is fast on prompts
whose beginning it has cached, so the same beginning goes to the same server while that is not too busy.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from gateway.demand import Answers
from gateway.routing.serving import Serving

PREFIX_BYTES = 2048
"""So much of the prompt names the conversation: system prompt and first words."""
_TOO_BUSY = 2.0
_ALWAYS_FINE_TOKENS = 8192
_RESPONSES_KEPT = 20_000
_LONGEST_ID = 256


class Hints(msgspec.Struct, frozen=True):
    """What a request tells about where it belongs, and estimates of its work."""

    response_id: str | None = None
    prefix: bytes = b""
    input_tokens: int = 0
    answer_tokens: int = 0
    answers: Answers = Answers()
    size: int = 0
    """Of the body, in bytes."""

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.answer_tokens


class Affinity:
    """Remembers who issued which response id; the newest ones, bounded."""

    def __init__(self) -> None:
        self._issued: OrderedDict[str, tuple[str, str | None]] = OrderedDict()
        """The deployment that issued an id, and to whom."""

    def issued(self, response_id: str, target_id: str, owner: str | None = None) -> None:
        """Remember who issued an id, and to which caller."""
        if len(response_id) > _LONGEST_ID:
            return
        self._issued[response_id] = target_id, owner
        if len(self._issued) > _RESPONSES_KEPT:
            self._issued.popitem(last=False)

    def issuer(self, response_id: str, owner: str) -> str | None:
        """Return the deployment that issued an id to a caller; None where it did not, or that is not known any more."""
        target_id, to = self._issued.get(response_id, (None, None))
        return target_id if to == owner else None

    def preferred(self, servings: Sequence[Serving], hints: Hints) -> list[Serving]:
        """Return `servings`, which come least busy first, with the one to prefer in front."""
        if len(servings) < 2:
            return list(servings)
        known, _ = self._issued.get(hints.response_id or "", (None, None))
        favourite = next((serving for serving in servings if serving.target.id == known), None)
        favourite = favourite or _by_prefix(servings, hints.prefix)
        if favourite is None:
            return list(servings)
        return [favourite, *(serving for serving in servings if serving is not favourite)]


def _by_prefix(servings: Sequence[Serving], prefix: bytes) -> Serving | None:
    """Return one by rendezvous hashing: when a server comes or goes, only its own conversations move."""
    caching = [each for each in servings if each.target.provider.prefix_cache and not each.target.health.cooling]
    if not prefix or len(caching) < 2:
        return None
    best = max(caching, key=lambda each: hashlib.blake2b(prefix, key=each.target.id.encode()[-64:]).digest())
    tokens, least = best.target.health.tokens, min(each.target.health.tokens for each in caching)
    return None if tokens > _ALWAYS_FINE_TOKENS and tokens > _TOO_BUSY * least else best
