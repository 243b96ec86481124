"""Names of models as upstreams spell them, parsed into a family, a version and words.

`us.anthropic.claude-sonnet-4-20250514-v1:0`, `anthropic/claude-sonnet-4`, `claude-sonnet-4@20250514` are one model.
"""

import re
from itertools import pairwise

import msgspec

_FAMILIES = {
    "claude": "claude",
    "gpt": "gpt",
    "chatgpt": "gpt",
    "codex": "gpt",
    "gemini": "gemini",
    "gemma": "gemma",
    "deepseek": "deepseek",
    "qwen": "qwen",
    "qwq": "qwen",
    "qvq": "qwen",
    "kimi": "kimi",
    "glm": "glm",
    "chatglm": "glm",
    "mistral": "mistral",
    "ministral": "mistral",
    "magistral": "mistral",
    "devstral": "mistral",
    "codestral": "mistral",
    "mixtral": "mistral",
    "pixtral": "mistral",
    "voxtral": "mistral",
    "llama": "llama",
    "nova": "nova",
    "grok": "grok",
    "command": "command",
    "minimax": "minimax",
    "whisper": "whisper",
    "tts": "tts",
    "stability": "stability",
}
"""Families by the words that name them."""
_VENDORS = frozenset(("deepseek", "mistral", "qwen", "minimax", "llama"))
"""Words that name a vendor as well, before the model's own name."""
_TOKEN = re.compile(r"(?<![a-z0-9])o[134](?![a-z0-9.])|[a-z]+|\d+(?:\.\d+)*[a-z]*")
_NUMBER = re.compile(r"(\d+(?:\.\d+)*)([a-z]*)")
_SIZES = frozenset(("b", "m", "k", "e", "bit", "x"))
"""Letters after numbers that are no versions: parameters, context, experts."""
_LONGEST_NAME = 500
_LARGEST_VERSION = 99
_JOINED: dict[tuple[int, ...], tuple[int, ...]] = {(35,): (3, 5)}
"""Versions that Azure writes without their point: `gpt-35-turbo`."""


class ModelName(msgspec.Struct, frozen=True):
    """What a name says of a model."""

    family: str | None = None
    """None = not known."""
    version: tuple[int, ...] = ()
    """Empty = none in the name."""
    words: frozenset[str] = frozenset()
    """All words of the name, in lower case."""


def parse_name(name: str) -> ModelName:
    """Return what an upstream's name of a model says; nothing of it for a name that names no known family."""
    tokens = _TOKEN.findall(re.sub(r"(?<=\d)p(?=\d)", ".", name[:_LONGEST_NAME].lower()))
    at = _family_at(tokens)
    if at is None:
        return ModelName(words=frozenset(tokens))
    if tokens[at] in ("o1", "o3", "o4"):
        return ModelName("o", (int(tokens[at][1]),), frozenset(tokens))
    if tokens[at : at + 2] == ["gpt", "oss"]:
        return ModelName("gpt-oss", (), frozenset(tokens))
    version = _version(tokens[at + 1 :])
    return ModelName(_FAMILIES[tokens[at]], _JOINED.get(version, version), frozenset(tokens))


def _family_at(tokens: list[str]) -> int | None:
    """Return the place of the word that names the family: the first, but no vendor before a model's own name."""
    found = [at for at, token in enumerate(tokens) if token in _FAMILIES or token in ("o1", "o3", "o4")]
    for at, following in pairwise(found):
        if tokens[at] not in _VENDORS or following > at + 2:
            return at
        if _FAMILIES.get(tokens[following]) != _FAMILIES.get(tokens[at]):
            return at
    return found[-1] if found else None


def _version(tokens: list[str]) -> tuple[int, ...]:
    """Return the first numbers of a name that are neither a date nor a size."""
    version: list[int] = []
    for token in tokens:
        match = _NUMBER.fullmatch(token)
        if match is None:
            if version:
                break
            continue
        number, letters = match.groups()
        parts = [int(part) for part in number.split(".")]
        if letters in _SIZES or len(number) > 4 or max(parts) > _LARGEST_VERSION or (number[0] == "0" and version):
            if version:
                break
            continue
        version += parts
        if letters or len(parts) > 1 or len(version) > 1:
            break
    return tuple(version)
