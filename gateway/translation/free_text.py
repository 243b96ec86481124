"""Custom tools as functions: their free text is the one argument `input`, and is taken out again as it streams."""

import json
import re

_BEGINNING = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_LONGEST_BEGINNING = 200
_READABLE = re.compile(r'(?:[^"\\]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
_OPEN_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}$")
"""The first half of a character of two, at the end of a piece."""

SCHEMA = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The whole text that the tool takes."}},
    "required": ["input"],
    "additionalProperties": False,
}


def as_arguments(text: str) -> str:
    """Return the arguments of the function that stands for a custom tool."""
    return json.dumps({"input": text}, ensure_ascii=False)


def free_text(arguments: str) -> str:
    """Return the text in a function's arguments; the arguments themselves where a model wrote something else."""
    try:
        found = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    if isinstance(found, str):
        return found
    if isinstance(found, dict):
        texts = [each for each in (found.get("input"), *found.values()) if isinstance(each, str)]
        if texts:
            return texts[0]
    return arguments


class FreeText:
    """Takes the arguments of one call in pieces and gives the text in them in pieces."""

    def __init__(self) -> None:
        self._rest = ""
        self._begun = False
        self._over = False
        self._given = 0

    def feed(self, piece: str) -> str:
        """Return the text that is complete now."""
        if self._over:
            return ""
        self._rest += piece
        if not self._begun:
            beginning = _BEGINNING.match(self._rest[:_LONGEST_BEGINNING])
            if not beginning:
                return ""
            self._begun, self._rest = True, self._rest[beginning.end() :]
        return self._given_now(self._readable())

    def end(self, arguments: str) -> str:
        """Return what of the whole text was not given yet; `arguments` are the call's, whole."""
        return free_text(arguments)[self._given :]

    def _readable(self) -> str:
        found = _READABLE.match(self._rest)
        assert found is not None
        escaped, self._rest = found[0], self._rest[found.end() :]
        if self._rest.startswith('"'):
            self._over = True
        elif half := _OPEN_PAIR.search(escaped):
            escaped, self._rest = escaped[: half.start()], half[0] + self._rest
        return escaped

    def _given_now(self, escaped: str) -> str:
        try:
            text: str = json.loads(f'"{escaped}"', strict=False)
        except ValueError:
            self._over = True
            return ""
        self._given += len(text)
        return text
