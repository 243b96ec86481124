"""Parts of a client's input items. Source: platform.openai.com/docs/api-reference/responses/create, `input`."""

from collections.abc import Callable
from typing import Any

from gateway.translation import checks
from gateway.translation.data_urls import is_data_url, source_of
from gateway.translation.parts import Audio, Citation, Document, Image, Part, Refusal, Source, Text
from gateway.translation.responses.names import RESPONSES, dicts_in, own_of

Fields = dict[str, Any]

_KNOWN = "input_text, input_image, input_file, input_audio, output_text, refusal"


def read_content(content: Any, where: str) -> tuple[Part, ...]:
    """Return the parts of an item's content: a string or an array of parts; null is none. Raises `InvalidRequest`."""
    if isinstance(content, str):
        return (Text(text=content),)
    if content is None:
        return ()
    if not isinstance(content, list):
        raise checks.wrong_type(where, "a string or an array of parts")
    return tuple(_part(each, f"{where}[{number}]") for number, each in enumerate(content))


def _part(part: Any, where: str) -> Part:
    if not isinstance(part, dict):
        raise checks.wrong_type(where, "an object")
    kind = checks.name_of(part, "type", where)
    if read := _READERS.get(kind):
        return read(part, where)
    raise checks.unknown(f"{where}.type", kind, _KNOWN)


def _text(part: Fields, where: str) -> Text:
    return Text(text=checks.required_text(part, "text", where), own=own_of(part, ("type", "text")))


def _output_text(part: Fields, where: str) -> Text:
    citations = tuple(citation(each) for each in dicts_in(part.get("annotations")))
    rest = own_of(part, ("type", "text", "annotations"))
    return Text(text=checks.required_text(part, "text", where), citations=citations, own=rest)


def citation(annotation: Fields) -> Citation:
    """Return a source of an answer's text, with the annotation as it came."""
    whole = {name: found for name, found in annotation.items() if found is not None}
    texts = {name: annotation[name] for name in ("url", "title") if isinstance(annotation.get(name), str)}
    places = {
        ours: annotation[theirs]
        for ours, theirs in (("start", "start_index"), ("end", "end_index"))
        if type(annotation.get(theirs)) is int
    }
    return Citation(**texts, **places, own={RESPONSES: whole})


def _refusal(part: Fields, where: str) -> Refusal:
    return Refusal(text=checks.required_text(part, "refusal", where), own=own_of(part, ("type", "refusal")))


def _image(part: Fields, where: str) -> Image:
    url, file_id = checks.text(part, "image_url", where), checks.text(part, "file_id", where)
    if not url and not file_id:
        raise checks.missing(f"{where}.image_url", "an address or a data: URL, if no 'file_id' is given")
    source = source_of(url, f"{where}.image_url") if url else Source(file_id=file_id)
    rest = own_of(part, ("type", "image_url", "file_id", "detail"))
    detail = checks.text(part, "detail", where)
    return Image(source=source, detail=None if detail == "auto" else detail, own=rest)


def _file(part: Fields, where: str) -> Document:
    rest = own_of(part, ("type", "filename", "file_data", "file_url", "file_id"))
    return Document(source=_file_source(part, where), name=checks.text(part, "filename", where), own=rest)


def _file_source(part: Fields, where: str) -> Source:
    if data := checks.text(part, "file_data", where):
        return source_of(data, f"{where}.file_data") if is_data_url(data) else Source(data=data)
    if url := checks.text(part, "file_url", where):
        return Source(url=url)
    if file_id := checks.text(part, "file_id", where):
        return Source(file_id=file_id)
    raise checks.missing(f"{where}.file_data", "the file as a data: URL, if no 'file_url' or 'file_id' is given")


def _audio(part: Fields, where: str) -> Audio:
    found, at = checks.required_object(part, "input_audio", where), f"{where}.input_audio"
    source = Source(data=checks.name_of(found, "data", at))
    return Audio(source=source, format=checks.text(found, "format", at), own=own_of(part, ("type", "input_audio")))


_READERS: dict[str, Callable[[Fields, str], Part]] = {
    "input_text": _text,
    "text": _text,
    "output_text": _output_text,
    "refusal": _refusal,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
}
