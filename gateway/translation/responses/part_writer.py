"""Parts that requests and answers write alike: sources of texts, and reasoning."""

from collections.abc import Iterable
from typing import Any

from gateway.translation.parts import Citation, Thinking
from gateway.translation.responses.names import RESPONSES, responses_own
from gateway.translation.seals import wrapped

Fields = dict[str, Any]


def annotations_of(citations: Iterable[Citation]) -> list[Fields]:
    """Return the sources of a text as annotations; those without address and title are left out."""
    return [found for each in citations if (found := annotation_of(each))]


def annotation_of(citation: Citation) -> Fields | None:
    """Return one source as an annotation; None where it has neither address nor title."""
    if own := responses_own(citation.own):
        return dict(own)
    address = citation.address
    if not address:
        return None
    return {
        "type": "url_citation",
        "url": address,
        "title": citation.title or address,
        "start_index": citation.start or 0,
        "end_index": citation.end or citation.start or 0,
    }


def reasoning_item(part: Thinking) -> Fields:
    """Return reasoning as an item. A seal of another dialect travels in the encrypted content."""
    own = dict(responses_own(part.own))
    raw = own.pop("raw", False)
    fields: Fields = {"type": "reasoning"}
    if part.id:
        fields["id"] = part.id
    fields["summary"] = [] if raw or not part.text else [{"type": "summary_text", "text": part.text}]
    if raw:
        fields["content"] = [{"type": "reasoning_text", "text": part.text}]
    if part.origin == RESPONSES and part.seal:
        fields["encrypted_content"] = part.seal
    elif part.origin != RESPONSES:
        fields["encrypted_content"] = wrapped(part)
    return fields | own
