"""How far the plugins' token estimate is from a real tokenizer, by kind of text.

    python -m tests.bench.tokens [--json]

Beside OpenAI's o200k_base; characters / 4, which other plugins use, stands next to it. Needs `../shared/corpus`.
"""

import importlib
import json
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from plugins.shared.tokens import estimate_tokens

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / ".." / "shared" / "corpus"
CODE = ("gateway", "install", "filters", "tests/gateway")
PIECE = 6000
"""Characters of a document made of table data."""


@dataclass(frozen=True)
class Measured:
    """Of one kind. Errors in percent of the real count: the mean, the largest, and all documents together."""

    kind: str
    documents: int
    tokens: int
    mean_error: float
    largest_error: float
    bias: float
    mean_error_of_quarter: float
    million_characters_seconds: float


def real_counter() -> Callable[[str], int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of how it opens its own data
        encoding = importlib.import_module("bpe_openai").get_encoding("o200k_base")
    return lambda text: len(encoding.encode_ordinary(text))


def japanese() -> Iterator[str]:
    for article in _articles("jsquad-valid-v1.3.json"):
        yield "\n".join(one["context"].split(" [SEP] ")[-1] for one in article["paragraphs"])


def english() -> Iterator[str]:
    for article in _articles("xquad-en-part1.json"):
        yield "\n\n".join(one["context"] for one in article["paragraphs"])


def code() -> Iterator[str]:
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if len(text := path.read_text(encoding="utf-8")) > 1000:
                yield text


def tables() -> Iterator[str]:
    """Questions and numbers as CSV, the same as JSON."""
    rows = [
        (one["id"], one["question"], answer["answer_start"], answer["text"])
        for name in ("jsquad-valid-v1.3.json", "xquad-en-part1.json")
        for article in _articles(name)
        for paragraph in article["paragraphs"]
        for one in paragraph["qas"]
        for answer in one["answers"][:1]
    ]
    for start in range(0, min(len(rows), 3000), 100):
        part = rows[start : start + 100]
        yield "\n".join(",".join(map(str, row)) for row in part)
        yield json.dumps(part, ensure_ascii=False, indent=1)


def mixed() -> Iterator[str]:
    """Japanese with code, names and numbers in it."""
    for japanese_text, code_text in zip(japanese(), code(), strict=False):
        yield f"{japanese_text[:2000]}\n\n```python\n{code_text[:2000]}```\n\n{japanese_text[2000:4000]}"


KINDS: dict[str, Callable[[], Iterator[str]]] = {
    "Japanese": japanese,
    "English": english,
    "code": code,
    "CSV and JSON": tables,
    "mixed": mixed,
}


def measure() -> list[Measured]:
    """Raises `FileNotFoundError` where the corpus is not there."""
    estimate, real = estimate_tokens, real_counter()
    return [_measured(kind, list(texts()), estimate, real) for kind, texts in KINDS.items()]


def _measured(kind: str, texts: list[str], estimate: Callable[[str], int], real: Callable[[str], int]) -> Measured:
    started = time.perf_counter()
    guesses = [estimate(text) for text in texts]
    seconds = time.perf_counter() - started
    counts = [real(text) for text in texts]
    errors = [_error(guess, count) for guess, count in zip(guesses, counts, strict=True)]
    quarters = [_error(len(text) / 4, count) for text, count in zip(texts, counts, strict=True)]
    return Measured(
        kind,
        len(texts),
        sum(counts),
        round(mean(errors), 1),
        round(max(errors), 1),
        round((sum(guesses) / sum(counts) - 1) * 100, 1),
        round(mean(quarters), 1),
        round(seconds / sum(map(len, texts)) * 1e6, 3),
    )


def _error(guess: float, count: int) -> float:
    return abs(guess / count - 1) * 100


def _articles(name: str) -> list[dict[str, Any]]:
    return list(json.loads((CORPUS / name).read_text(encoding="utf-8"))["data"])


def main(as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False) -> None:
    """Measure the estimate of the Open WebUI plugins beside OpenAI's o200k_base."""
    found = measure()
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False))
        return
    grid = Table("kind", title="Token estimate beside o200k_base, error in %", header_style="bold")
    for heading in ("documents", "tokens", "mean", "largest", "together", "characters / 4", "s per million characters"):
        grid.add_column(heading, justify="right")
    for one in found:
        grid.add_row(*(str(value) for value in asdict(one).values()))
    Console().print(grid)


if __name__ == "__main__":
    typer.run(main)
