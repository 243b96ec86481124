"""How long the vectors of models may be, as their vendors say (November 2026)."""

from gateway.errors import InvalidRequest

_ALLOWED: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...] = (
    (("titan-embed-text-v2",), (256, 512, 1024)),
    (("titan-embed-image",), (256, 384, 1024)),
    (("titan-embed-text-v1", "titan-embed-g1-text"), (1536,)),
    (("nova-2-multimodal-embeddings",), (256, 384, 1024, 3072)),
    (("embed-english-light-v3",), (384,)),
    (("embed-multilingual-light-v3",), (384,)),
    (("embed-english-v3",), (1024,)),
    (("embed-multilingual-v3",), (1024,)),
    (("embed-v4",), (256, 512, 1024, 1536)),
)
"""By what stands in a model's name. Sources: the pages of the models at docs.aws.amazon.com and docs.cohere.com."""


def allowed(model: str) -> tuple[int, ...] | None:
    """Return the lengths that a model can give; None where they are not known."""
    name = model.lower()
    return next((lengths for words, lengths in _ALLOWED if any(word in name for word in words)), None)


def chosen(model: str, asked: int | None) -> int | None:
    """Return the length to ask for; None where none was said or the model has only one. Raises `InvalidRequest`."""
    lengths = allowed(model)
    if asked is None or lengths is None:
        return asked
    if asked not in lengths:
        *most, last = map(str, lengths)
        known = f"{', '.join(most)} or {last}" if most else last
        raise InvalidRequest(f"The field 'dimensions' must be {known} for this model.", param="dimensions")
    return asked if len(lengths) > 1 else None
