"""A client's request for vectors in the canonical form, of which the upstreams' shapes write their own."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from gateway import lenient, wire
from gateway.dialects.embeddings import check, inputs_of
from gateway.errors import InvalidRequest
from gateway.translation import checks
from gateway.translation.plain import request_data
from gateway.wire import Members

Truncation = Literal["NONE", "START", "END"]

TASKS = (
    "search_query",
    "search_document",
    "classification",
    "clustering",
    "semantic_similarity",
    "question_answering",
    "fact_verification",
    "code_retrieval_query",
)
"""What texts are embedded for. The first four are Cohere's; all are Google's, by names of its own."""
_SPELLINGS = {
    **{name: name for name in TASKS},
    "query": "search_query",
    "document": "search_document",
    "passage": "search_document",
    "retrieval_query": "search_query",
    "retrieval_document": "search_document",
}
_TRUNCATIONS: Mapping[object, Truncation] = MappingProxyType(
    {"none": "NONE", "start": "START", "left": "START", "end": "END", "right": "END", True: "END", False: "NONE"}
)
_read_text = msgspec.json.Decoder(str).decode
_read_texts = msgspec.json.Decoder(list[str]).decode
_BEGINNING, _NUMBERS, _ARRAY = 64, tuple(b"%d" % digit for digit in range(10)), ord("[")
_FORMATS = ("float", "base64")
_TASK_MEMBERS = ("input_type", "task_type")
_TYPE_MEMBERS = ("embedding_types", "output_dtype")
"""Members by which clients of other vendors ask for vectors of other numbers than floats."""
_OWN = ("model", "input", "encoding_format", *_TYPE_MEMBERS)
"""Members that no shape has to take: they are written or read here."""
_MOST_DIMENSIONS = 100_000


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Texts to be embedded. What was not said is None."""

    model: str
    """The upstream's name."""
    known_model: str
    """The name by which others know it."""
    texts: tuple[str, ...]
    """At least one, none of them empty."""
    dimensions: int | None = None
    task: str | None = None
    """One of `TASKS`."""
    truncate: Truncation | None = None
    title: str | None = None
    base64: bool = False
    """The client wants base64."""
    said: tuple[str, ...] = ()
    """The members, as the client calls them, that an upstream may not take."""


def read(fields: Members, known_model: str = "") -> Asked:
    """Read a client's request. Raises `InvalidRequest` naming the member at fault."""
    texts = _texts(fields)
    found = request_data({name: raw for name, raw in fields.items() if name != "input" and lenient.says(raw)})
    _check_types(found)
    model = checks.required_text(found, "model")
    return Asked(
        model=model,
        known_model=known_model or model,
        texts=texts,
        dimensions=_dimensions(found),
        task=_task(found),
        truncate=_truncation(found),
        title=checks.text(found, "title"),
        base64=_format(found) == "base64",
        said=tuple(name for name in found if name not in _OWN),
    )


def _texts(fields: Members) -> tuple[str, ...]:
    check(fields)
    raw = fields["input"]
    try:
        if wire.kind(fields, "input") is str:
            return (_read_text(raw),)
        if wire.holds_numbers(raw) and bytes(memoryview(raw)[:_BEGINNING])[1:].lstrip()[:1] in _NUMBERS:
            raise _tokens()
        if any(memoryview(each)[0] == _ARRAY for each in inputs_of(fields, str, list)):
            raise _tokens()
        return tuple(_read_texts(raw))
    except lenient.UNREADABLE:
        raise InvalidRequest("The field 'input' cannot be read.", code="invalid_json", param="input") from None


def _tokens() -> InvalidRequest:
    return InvalidRequest(
        "The model's API takes texts, and these are token ids of another vendor's tokenizer. Send strings in 'input'.",
        code="unsupported_value",
        param="input",
    )


def _dimensions(found: dict[str, Any]) -> int | None:
    number = checks.integer(found, "dimensions")
    if number is not None and not 0 < number <= _MOST_DIMENSIONS:
        raise InvalidRequest("The field 'dimensions' must be a whole number above 0.", param="dimensions")
    return number


def _format(found: dict[str, Any]) -> str:
    asked = checks.text(found, "encoding_format") or _FORMATS[0]
    if asked not in _FORMATS:
        raise checks.unknown("encoding_format", asked, "'float', 'base64'")
    return asked


def _task(found: dict[str, Any]) -> str | None:
    """Return what the texts are for: Cohere's words, or Google's; Open WebUI may send them as a prefix with a colon."""
    name = next((name for name in _TASK_MEMBERS if name in found), None)
    if name is None:
        return None
    said = checks.required_text(found, name)
    task = _SPELLINGS.get(said.strip().rstrip(":").strip().lower())
    if task is None:
        raise checks.unknown(name, said, ", ".join(f"'{each}'" for each in TASKS))
    return task


def _truncation(found: dict[str, Any]) -> Truncation | None:
    said = found.get("truncate")
    if said is None:
        return None
    if not isinstance(said, str | bool):
        raise checks.wrong_type("truncate", "'NONE', 'START' or 'END'")
    truncation = _TRUNCATIONS.get(said.lower() if isinstance(said, str) else said)
    if truncation is None:
        raise checks.unknown("truncate", said, "'NONE', 'START', 'END'")
    return truncation


def _check_types(found: dict[str, Any]) -> None:
    """Refuse vectors of whole numbers or bits: clients of Embeddings get floats."""
    for name in _TYPE_MEMBERS:
        if any(each not in _FORMATS for each in checks.texts(found.get(name), name)):
            raise InvalidRequest(
                f"The field '{name}' must be 'float': vectors of other numbers are not translated.",
                code="unsupported_value",
                param=name,
            )
