"""Rules about what people read: in English and Japanese, and the same in both."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from install.kit.finding import Hit, hit
from install.kit.source import Source

TABLES = {"I18N": ("en-US", "ja-JP"), "TEXT": ("en", "ja")}
"""What Open WebUI shows of the plugin, and what the plugin says while it runs."""

JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
WORDS = re.compile(rf"[A-Za-z]{{3,}}|{JAPANESE.pattern}")
SENTENCE_WORDS = 3
"""Fewer may be a product's name, which is the same in Japanese."""

SHOWN = {"status": "description", "notification": "content"}
"""Events with a sentence, and where it is."""

Texts = Mapping[str, Mapping[str, str]]


def language_missing(source: Source) -> Iterator[Hit]:
    for name, languages in TABLES.items():
        found = source.table(name)
        if found is None:
            # What Open WebUI shows is always read by somebody; TEXT is only for who says something.
            if name == "I18N":
                yield hit(1, table=name, wanted=" / ".join(languages))
        elif not _complete(found[1], languages):
            yield hit(found[0], table=name, wanted=" / ".join(languages))


def text_missing(source: Source) -> Iterator[Hit]:
    for name, line, texts in _tables(source):
        keys = {key for table in texts.values() for key in table}
        wanted = keys | (_shown_keys(source) if name == "I18N" else set())
        for language, table in texts.items():
            for key in sorted(wanted):
                if not str(table.get(key, "")).strip():
                    yield hit(line, table=name, key=key, language=language)


def text_placeholders(source: Source) -> Iterator[Hit]:
    for name, line, (first, second) in _pairs(source):
        for key in first.keys() & second.keys():
            if _placeholders(first[key]) != _placeholders(second[key]):
                yield hit(line, table=name, key=key)


def text_language(source: Source) -> Iterator[Hit]:
    for name, line, (english, japanese) in _pairs(source):
        for key, text in english.items():
            if JAPANESE.search(text):
                yield hit(line, table=name, key=key, language="English / 英語")
        for key, text in japanese.items():
            if text.isascii() and len(re.findall(r"[A-Za-z]{2,}", _without_names(text))) >= SENTENCE_WORDS:
                yield hit(line, table=name, key=key, language="Japanese / 日本語")


def text_in_code(source: Source) -> Iterator[Hit]:
    for node in source.nodes:
        if isinstance(node, ast.Dict):
            event = _literal(node)
            kind, data = _constant(event.get("type")), event.get("data")
            if kind in SHOWN and isinstance(data, ast.Dict):
                sentence = _literal(data).get(SHOWN[kind])
                if sentence is not None and WORDS.search(_written(sentence)):
                    yield hit(sentence.lineno)


def _complete(value: Any, languages: tuple[str, ...]) -> bool:
    return isinstance(value, dict) and set(value) == set(languages) and all(map(_is_table, value.values()))


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for pair in value.items() for each in pair)


def _tables(source: Source) -> Iterator[tuple[str, int, Texts]]:
    """Return the tables of texts that are complete; the others have a finding of their own."""
    for name, languages in TABLES.items():
        found = source.table(name)
        if found and _complete(found[1], languages):
            yield name, found[0], {language: found[1][language] for language in languages}


def _pairs(source: Source) -> Iterator[tuple[str, int, list[Mapping[str, str]]]]:
    for name, line, texts in _tables(source):
        yield name, line, list(texts.values())


def _shown_keys(source: Source) -> set[str]:
    """Yield the keys of texts that Open WebUI's pages show: the plugin's name, and each setting."""
    keys = {"name", "description"}
    for cls, prefix in (("Valves", "valves"), ("UserValves", "user_valves")):
        for name, field in source.valves(cls).items():
            keys |= {f"{prefix}.{name}.title", f"{prefix}.{name}.description"}
            keys |= {f"{prefix}.{name}.enum.{value}" for value in _values(field.annotation)}
    return keys


def _values(annotation: ast.expr) -> list[str]:
    """Return the values of a Literal."""
    match annotation:
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            found = ast.literal_eval(inner)
            return [str(value) for value in (found if isinstance(found, tuple) else (found,))]
    return []


def _placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"{\w+}", text))


def _without_names(text: str) -> str:
    return re.sub(r"{\w+}", "", text)


def _literal(node: ast.Dict) -> dict[str, ast.expr]:
    pairs = zip(node.keys, node.values, strict=True)
    return {key.value: value for key, value in pairs if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def _constant(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _written(node: ast.expr) -> str:
    """Return the constant parts of a text or an f-string."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_constant(part) for part in node.values)
    return _constant(node)
