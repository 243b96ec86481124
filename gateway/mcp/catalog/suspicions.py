"""What is odd in the definition of a tool: words for the model, not for its user. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

import msgspec

from gateway.mcp.catalog.clean import Entry

_TO_THE_MODEL = (
    r"(ignore|disregard|forget)[^.\n]{0,40}(previous|prior|above|earlier|all)[^.\n]{0,30}(instruction|prompt|rule)",
    r"(do not|don't|never)[^.\n]{0,30}(tell|mention|inform|reveal)[^.\n]{0,30}(user|person|human)",
    r"<(important|system|secret|instructions?)>|system prompt",
    r"前の指示|これまでの指示|ユーザーに(は)?(言わ|伝え|知らせ)",
)
_FOR_SECRETS = (
    r"id_rsa|\.ssh/|\.env\b|\.aws/|/etc/passwd|\bmcp\.json\b|private key",
    r"(your|the user'?s) (password|token|api key)",
)
_SUSPICIOUS = (
    ("an HTML comment", re.compile("<!--")),
    ("an instruction to the model", re.compile("|".join(_TO_THE_MODEL), re.IGNORECASE)),
    ("a request for secrets", re.compile("|".join(_FOR_SECRETS), re.IGNORECASE)),
)
_INVISIBLE = frozenset({"Cf", "Co", "Cn", "Cs"})
_HARMLESS = frozenset("\u200d\ufeff")
"""The joiner of emoji, and a byte order mark."""
_LONGEST_SCANNED = 64 * 1024
_SHORTEST_NAME = 6
"""Names of tools that are shorter are words of any language."""


def suspicions(tool: Entry, others: Iterable[str] = ()) -> Iterator[str]:
    """Yield what is odd in a tool's definition. `others`: names of other servers' tools."""
    shown = {name: tool[name] for name in ("title", "description", "inputSchema") if name in tool}
    text = msgspec.json.encode(shown)[:_LONGEST_SCANNED].decode(errors="replace")
    if any(unicodedata.category(each) in _INVISIBLE and each not in _HARMLESS for each in text):
        yield "invisible characters"
    for words, pattern in _SUSPICIOUS:
        if pattern.search(text):
            yield words
    said = {word.strip(".-") for word in re.findall(r"[A-Za-z0-9_.-]{6,}", text)} - {tool["name"]}
    if named := next((name for name in others if len(name) >= _SHORTEST_NAME and "_" in name and name in said), None):
        yield f"the name of another server's tool, {named[:60]}"
