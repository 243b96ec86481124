"""Where a request would rather go: to the deployment that already knows its conversation.

A `previous_response_id` is known only to the deployment that issued it. A vLLM server is fast on prompts
whose beginning it has cached, so the same beginning goes to the same server while that is not too busy.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from gateway.demand import Answers
from gateway.routing import Target

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
        self._issued: OrderedDict[str, str] = OrderedDict()

    def issued(self, response_id: str, target_id: str) -> None:
        if len(response_id) > _LONGEST_ID:
            return
        self._issued[response_id] = target_id
        if len(self._issued) > _RESPONSES_KEPT:
            self._issued.popitem(last=False)

    def preferred(self, targets: Sequence[Target], hints: Hints) -> list[Target]:
        """`targets`, least busy first as they come, with the one to prefer in front."""
        if len(targets) < 2:
            return list(targets)
        known = self._issued.get(hints.response_id) if hints.response_id else None
        favourite = next((target for target in targets if target.id == known), None)
        favourite = favourite or _by_prefix(targets, hints.prefix)
        if favourite is None:
            return list(targets)
        return [favourite, *(target for target in targets if target is not favourite)]


def _by_prefix(targets: Sequence[Target], prefix: bytes) -> Target | None:
    """Rendezvous hashing: when a server comes or goes, only its own conversations move."""
    caching = [target for target in targets if target.provider.prefix_cache and not target.health.cooling]
    if not prefix or len(caching) < 2:
        return None
    best = max(caching, key=lambda target: hashlib.blake2b(prefix, key=target.id.encode()[-64:]).digest())
    least = min(target.health.tokens for target in caching)
    busy = best.health.tokens > _ALWAYS_FINE_TOKENS and best.health.tokens > _TOO_BUSY * least
    return None if busy else best
