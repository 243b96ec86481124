"""Every recorded exchange of an API, from all folders of `../shared/recordings`, whose README tells their forms."""

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # ruamel's pure parser takes a minute for them

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "recordings"


@dataclass(frozen=True)
class Exchange:
    """A request's JSON and its answer's bytes. `name` tells where it stands, for people."""

    name: str
    request: dict[str, Any]
    status: int
    answer: bytes
    address: str = ""
    """Of the request, without its query."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the answer, by lower-case name."""

    @property
    def is_stream(self) -> bool:
        """Return whether the answer is a stream of server-sent events."""
        return self.answer.lstrip()[:5] in (b"data:", b"event", b": OPE")

    @property
    def is_frames(self) -> bool:
        """Return whether the answer is a stream of AWS event-stream frames."""
        return self.answer[:2] == b"\0\0"

    @property
    def json(self) -> dict[str, Any]:
        """Return the answer as Python data."""
        found = json.loads(self.answer)
        assert isinstance(found, dict)
        return found


@cache
def exchanges(path: str) -> list[Exchange]:
    """Return all good exchanges with addresses that end with `path`, such as `/chat/completions`."""
    return list(_exchanges(path)) if FOLDER.is_dir() else []


@cache
def refusals(path: str) -> list[Exchange]:
    """Return all exchanges with such addresses that were answered with an error, in JSON."""
    found = _exchanges(path, good=False) if FOLDER.is_dir() else ()
    return [each for each in found if each.status >= 400]


def _exchanges(path: str, *, good: bool = True) -> Iterator[Exchange]:
    for file in sorted(FOLDER.rglob("*")):
        if file.suffix not in (".yaml", ".json") or path.encode() not in (text := file.read_bytes()):
            continue
        document = json.loads(text) if file.suffix == ".json" else yaml.load(text, Loader=_Loader)
        for number, each in enumerate(_interactions(document)):
            request, response = each["request"], each["response"]
            address = str(request.get("url") or request.get("uri")).partition("?")[0]
            asked, answer = _json(_body(request)), _body(response)
            name, headers = f"{file.relative_to(FOLDER)}#{number}", _headers(response)
            exchange = Exchange(name, asked, _status(response), answer, address, headers)
            readable = exchange.is_stream or exchange.is_frames or answer.lstrip()[:1] == b"{"
            fits = readable and (exchange.status == 200) is good
            if address.endswith(path) and isinstance(asked, dict) and fits:
                yield exchange


def _interactions(document: Any) -> list[dict[str, Any]]:
    if isinstance(document, list):
        return [_of_nock(each) for each in document if isinstance(each, dict) and "scope" in each]
    if not isinstance(document, dict):
        return []
    if isinstance(document.get("requests"), list) and isinstance(document.get("responses"), list):
        pairs = zip(document["requests"], document["responses"], strict=True)
        return [{"request": request, "response": response} for request, response in pairs]
    found = document.get("interactions") or ([document] if "request" in document and "response" in document else [])
    return [each for each in found if isinstance(each.get("request"), dict)]


def _of_nock(each: dict[str, Any]) -> dict[str, Any]:
    """Return an exchange of nock: JSON is parsed, other answers are written as hexadecimal digits."""
    answer = each.get("response")
    read = {"base64_string": base64.b64encode(bytes.fromhex(answer))} if isinstance(answer, str) else None
    response = {"status": each["status"], **({"body": read} if read else {"parsed_body": answer})}
    return {"request": {"url": each["scope"] + each["path"], "parsed_body": each.get("body")}, "response": response}


def _status(response: dict[str, Any]) -> int:
    status = response.get("status")
    return int(response.get("code") or (status.get("code") if isinstance(status, dict) else status) or 0)


def _body(message: dict[str, Any]) -> bytes:
    if (parsed := message.get("parsed_body")) is not None:
        return json.dumps(parsed, ensure_ascii=False).encode()
    body = message.get("body")
    if isinstance(body, dict):
        body = body.get("string") or base64.b64decode(body.get("base64_string") or "")
    if isinstance(body, str):
        body = base64.b64decode(body[7:]) if body.startswith("base64:") else body.encode()
    body = body or b""
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body


def _headers(response: dict[str, Any]) -> dict[str, str]:
    found = response.get("headers")
    pairs = found.items() if isinstance(found, dict) else ()
    return {str(name).lower(): str(value[0] if isinstance(value, list) else value) for name, value in pairs if value}


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


class _Loader(yaml.CSafeLoader):  # type: ignore[misc]
    """Reads the tags of Python strings as plain text."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, _, node: _plain(loader, node))


def _plain(loader: Any, node: Any) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return "".join(map(str, loader.construct_sequence(node)))
    return loader.construct_scalar(node)


@dataclass(frozen=True)
class FormExchange:
    """A recorded request with a form, byte for byte, and its answer."""

    name: str
    path: str
    """Below `/v1`."""
    media_type: str
    form: bytes
    answer: bytes


@cache
def form_exchanges() -> list[FormExchange]:
    """Return all good exchanges of OpenAI whose requests are forms."""
    found = []
    for file in sorted((FOLDER / "dd-trace-js" / "openai").glob("*.json")):
        each = json.loads(file.read_bytes())
        request, response = each["request"], each["response"]
        media_type = next((value for name, value in request["headers"].items() if name.lower() == "content-type"), "")
        if media_type.startswith("multipart/form-data") and _status(response) == 200:
            path = request["url"].partition("?")[0].partition("/v1")[2]
            found.append(FormExchange(file.name, path, media_type, _body(request), _body(response)))
    return found
