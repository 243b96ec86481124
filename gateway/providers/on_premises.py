"""What servers on premises want otherwise than those after whose API they were made."""

from typing import TYPE_CHECKING, Any

from gateway import wire

if TYPE_CHECKING:
    from gateway.providers.contract import Deployment

_RERANK = "/rerank"


def texts_alone(deployment: "Deployment", path: str, headers: dict[str, str], fields: dict[str, Any]) -> dict[str, Any]:
    """Return a request for an order whose documents are texts: Jina's and Cohere's `{"text": …}` is not known there.

    One whose documents are texts stays as it came.
    """
    found = fields.get("documents")
    if path != _RERANK or found is None or b"{" not in bytes(found):
        return fields
    documents = wire.data(found)
    texts = [_text(each) for each in documents] if isinstance(documents, list) else documents
    return fields if texts == documents else {**fields, "documents": texts}


def _text(document: Any) -> Any:
    """Return the text of a document; anything else as it is."""
    text = document.get("text") if isinstance(document, dict) else None
    return text if isinstance(text, str) else document
