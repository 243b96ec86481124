"""Recorded provider traffic, where it lies beside the repository; `README.md` there says where it is from."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "recordings" / "pydantic-ai"


@dataclass(frozen=True)
class Recorded:
    """One exchange: the request's JSON, the answer's status, media type and bytes."""

    request: dict[str, Any]
    status: int
    media_type: str
    answer: bytes


def require_recordings() -> None:
    """Skip the test where there are none."""
    if not FOLDER.is_dir():
        pytest.skip("no recordings in ../shared/recordings beside the repository")


@cache
def recorded(cassette: str, number: int = 0) -> Recorded:
    """An exchange of a cassette such as `test_anthropic/test_anthropic_tool_output`."""
    return _cassette(cassette)[number]


def streams(folder: str) -> list[Recorded]:
    """Every recorded event stream of a folder that answers a whole request."""
    files = [file for file in sorted((FOLDER / folder).glob("*.yaml")) if "event-stream" in file.read_text("utf-8")]
    exchanges = [each for file in files for each in _cassette(f"{folder}/{file.stem}")]
    return [each for each in exchanges if each.media_type == "text/event-stream" and each.request]


@cache
def _cassette(name: str) -> list[Recorded]:
    require_recordings()
    document = YAML(typ="safe").load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return [_read(each["request"], each["response"]) for each in document["interactions"]]


def _read(request: dict[str, Any], response: dict[str, Any]) -> Recorded:
    media_type = response["headers"].get("content-type", ["application/json"])[0].partition(";")[0]
    parsed = response.get("parsed_body")
    body = response.get("body") or {}
    answer = body.get("string", "") if isinstance(body, dict) else body
    content = _compact(parsed) if parsed is not None else answer.encode()
    return Recorded(request.get("parsed_body") or {}, response["status"]["code"], media_type, content)


def _compact(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
