"""Find tools by words where there are too many to show: BM25, with pairs of characters for Japanese. Pure."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gateway.mcp.catalog.clean import Entry

MOST_FOUND = 20
_K1, _B = 1.2, 0.75
_LONGEST_QUERY = 500
_LONGEST_TEXT = 4000
_WORD = re.compile(r"[a-z0-9]+|[\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f\uac00-\ud7af]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WEIGHTS = {"name": 3, "title": 2, "description": 1, "arguments": 1}


def terms(text: str) -> Iterator[str]:
    """Yield the words of a text, in lower case; scripts without spaces by pairs of characters."""
    for word in _WORD.findall(_CAMEL.sub(" ", text[:_LONGEST_TEXT]).lower()):
        if word[0] < "\u3040" or len(word) < 3:
            yield word
        if word[0] >= "\u3040":
            yield from (word[place : place + 2] for place in range(len(word) - 1))
        elif len(word) > 3 and word.endswith("s"):
            yield word[:-1]


class Index:
    """Tools by their words."""

    def __init__(self, tools: Sequence[Entry]) -> None:
        self._tools = list(tools)
        self._counts = [_counted(tool) for tool in tools]
        self._lengths = [sum(count.values()) for count in self._counts]
        self._mean = sum(self._lengths) / len(self._lengths) if self._lengths else 1.0
        self._documents = Counter(term for count in self._counts for term in count)

    def find(self, query: str, most: int) -> list[Entry]:
        """Return the tools that fit best, best first; those that fit alike in their own order."""
        wanted = list(dict.fromkeys(terms(query[:_LONGEST_QUERY])))
        scored = [(self._score(number, wanted), -number) for number in range(len(self._tools))]
        best = sorted((each for each in scored if each[0] > 0), reverse=True)[: max(1, min(most, MOST_FOUND))]
        return [self._tools[-number] for _, number in best]

    def _score(self, number: int, wanted: Iterable[str]) -> float:
        count, length, score = self._counts[number], self._lengths[number], 0.0
        for term in wanted:
            if frequency := count.get(term):
                found = self._documents[term]
                rarity = math.log(1 + (len(self._tools) - found + 0.5) / (found + 0.5))
                score += rarity * frequency * (_K1 + 1) / (frequency + _K1 * (1 - _B + _B * length / self._mean))
        return score


def _counted(tool: Entry) -> Counter[str]:
    texts: dict[str, str] = {name: str(tool.get(name) or "") for name in ("name", "title", "description")}
    schema: Any = tool.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if isinstance(properties, dict):
        said = (str(each.get("description") or "") for each in properties.values() if isinstance(each, dict))
        texts["arguments"] = " ".join([*properties, *said])
    counts: Counter[str] = Counter()
    for name, text in texts.items():
        for term in terms(text):
            counts[term] += _WEIGHTS[name]
    return counts


SEARCH: Entry = {
    "name": "search_tools",
    "title": "Search tools",
    "description": "Find tools for a task by words, such as 'create issue'. Call what is found with call_tool.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What the tool should do"},
            "limit": {"type": "integer", "description": f"How many to return, at most {MOST_FOUND}", "default": 5},
        },
        "required": ["query"],
    },
    "annotations": {"readOnlyHint": True, "openWorldHint": False},
}
CALL: Entry = {
    "name": "call_tool",
    "title": "Call a tool",
    "description": "Call a tool that search_tools found, with arguments that fit its inputSchema.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "The name that search_tools gave"},
            "arguments": {"type": "object", "description": "Arguments of the tool"},
        },
        "required": ["name"],
    },
}
