"""Parts of a client's messages. Source: platform.openai.com/docs/api-reference/chat/create, `messages`."""

from collections.abc import Callable
from typing import Any

from gateway.translation import checks
from gateway.translation.chat.names import CHAT, cache_of, own_of
from gateway.translation.chat.thinking import read_chunk
from gateway.translation.data_urls import is_data_url, source_of
from gateway.translation.parts import Audio, Document, Foreign, Image, Part, Refusal, Source, Text

Fields = dict[str, Any]

_KNOWN = "text, image_url, input_audio, file, refusal"
_FOREIGN = frozenset(("video_url", "audio_url", "image_embeds", "document_url", "reference"))
"""Types that only some servers of this dialect know: vLLM, OpenRouter, Mistral."""


def read_content(content: Any, where: str) -> tuple[Part, ...]:
    """Return the parts of a message's `content`: a string or an array of parts; null is none.

    Raises `InvalidRequest` that names the part at fault.
    """
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
    if kind in _FOREIGN:
        return Foreign(dialect=CHAT, content=part)
    raise checks.unknown(f"{where}.type", kind, _KNOWN)


def _text(part: Fields, where: str) -> Text:
    text = checks.required_text(part, "text", where)
    if len(part) == 2:  # nearly all of them
        return Text(text=text)
    return Text(text=text, cache=cache_of(part), own=own_of(part, ("type", "text", "cache_control")))


def _refusal(part: Fields, where: str) -> Refusal:
    return Refusal(text=checks.required_text(part, "refusal", where), own=own_of(part, ("type", "refusal")))


def _image(part: Fields, where: str) -> Image:
    found = part.get("image_url")
    if isinstance(found, str):  # Mistral's form
        found = {"url": found}
    if not isinstance(found, dict):
        raise (checks.missing if found is None else checks.wrong_type)(f"{where}.image_url", "an object with a url")
    at = f"{where}.image_url"
    return Image(
        source=source_of(checks.name_of(found, "url", at), f"{at}.url"),
        detail=checks.text(found, "detail", at),
        cache=cache_of(part),
        own=own_of(part, ("type", "image_url", "cache_control")),
    )


def _audio(part: Fields, where: str) -> Audio:
    found, at = checks.required_object(part, "input_audio", where), f"{where}.input_audio"
    data = checks.name_of(found, "data", at)
    source = source_of(data, f"{at}.data") if is_data_url(data) else Source(data=data)
    rest = own_of(part, ("type", "input_audio", "cache_control"))
    return Audio(source=source, format=checks.text(found, "format", at), cache=cache_of(part), own=rest)


def _file(part: Fields, where: str) -> Document:
    found, at = checks.required_object(part, "file", where), f"{where}.file"
    data, file_id = checks.text(found, "file_data", at), checks.text(found, "file_id", at)
    if not data and not file_id:
        raise checks.missing(f"{at}.file_data", "the file as a data: URL, if no 'file_id' is given")
    rest = own_of(part, ("type", "file", "cache_control"))
    source = _file_source(data, f"{at}.file_data") if data else Source(file_id=file_id)
    return Document(source=source, name=checks.text(found, "filename", at), cache=cache_of(part), own=rest)


def _file_source(data: str, where: str) -> Source:
    """Return the source of a file: a `data:` URL, an address as OpenRouter takes it, or bare base64."""
    if is_data_url(data) or data.startswith(("http://", "https://")):
        return source_of(data, where)
    return Source(data=data)


def _thinking(part: Fields, where: str) -> Part:
    return read_chunk(part, of_client=True)


_READERS: dict[str, Callable[[Fields, str], Part]] = {
    "text": _text,
    "refusal": _refusal,
    "image_url": _image,
    "input_audio": _audio,
    "file": _file,
    "thinking": _thinking,
}
