"""The questions and passages of ../shared/corpus: JSQuAD in Japanese, XQuAD in English."""

import json
import random
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).parents[2].parent / "shared" / "corpus"
FILES = {"ja": "jsquad-valid-v1.3.json", "en": "xquad-en-part1.json"}
MISSING = "" if FOLDER.is_dir() else f"the corpus is missing: {FOLDER}"

Language = Literal["ja", "en"]


@dataclass(frozen=True)
class Document:
    """One passage, as a file of its own. Its name ends in its number."""

    name: str
    text: str


@dataclass(frozen=True)
class Question:
    text: str
    document: str
    """The name of the one that was asked about."""
    answers: tuple[str, ...]

    def answered_by(self, passage: str) -> bool:
        held = squeezed(passage)
        return any(squeezed(answer) in held for answer in self.answers)


@dataclass(frozen=True)
class Corpus:
    documents: tuple[Document, ...]
    questions: tuple[Question, ...]
    articles: dict[str, int]
    """The number of each document's article, by the document's name."""

    def article_of(self, document: str) -> int:
        return self.articles[document]

    def sample(self, count: int, seed: int = 7) -> Sequence[Question]:
        """All of them where there are no more."""
        if count >= len(self.questions):
            return self.questions
        return random.Random(seed).sample(self.questions, count)


@cache
def corpus(language: Language) -> Corpus:
    documents: list[Document] = []
    questions: list[Question] = []
    articles: dict[str, int] = {}
    for number, article in enumerate(json.loads((FOLDER / FILES[language]).read_text(encoding="utf-8"))["data"]):
        title = re.sub(r"[\\/:*?\"<>|]", "_", article["title"]) if "title" in article else "article"
        for paragraph in article["paragraphs"]:
            name = f"{title}-{language}{len(documents):04}.txt"
            articles[name] = number
            documents.append(Document(name, paragraph["context"].replace(" [SEP] ", "\n")))
            for asked in paragraph["qas"]:
                answers = tuple(sorted({answer["text"] for answer in asked["answers"]}))
                questions.append(Question(asked["question"], name, answers))
    return Corpus(tuple(documents), tuple(questions), articles)


def squeezed(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).lower().split())
