"""`python -m tests.bench.document_search`: our search of documents beside Open WebUI's own, in one Open WebUI.

The passages of ../shared/corpus are files of two knowledge bases, Japanese and English, which all sides search
together, with the same chunks, the same embeddings and the same vector store. Open WebUI's own search is asked through
its API, ours as a person asks it: the model `document_search`, and its ranking through a probe function.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console
from rich.table import Table

from tests.bench.measure import cpu_model
from tests.bench.search_corpus import MISSING, Corpus, Language, Question, corpus
from tests.e2e.conftest import embedding_server, upstream_serving
from tests.fixtures.open_webui import ROOT, OpenWebUIServer, start

EMBEDDINGS = "multilingual-e5-small"
BATCH = 40
RETRIEVAL = {"CHUNK_SIZE": 6000, "CHUNK_OVERLAP": 0, "ENABLE_RAG_HYBRID_SEARCH": True}
"""Every passage of the corpus is one chunk. With hybrid search on, a request can still ask without it."""
TARGETS = {"recall@5 ja": 0.98, "citations hold the answer": 0.95}

Json = dict[str, Any]
Finder = Callable[[str], list[str]]
"""The names of the five best documents for a question."""


@dataclass(frozen=True)
class Site:
    """A running Open WebUI with the corpus in it."""

    server: OpenWebUIServer
    client: httpx2.Client
    bases: dict[Language, str]

    def post(self, path: str, body: object) -> Any:
        response = self.client.post(path, json=body)
        response.raise_for_status()
        return response.json()

    def ask(self, model: str, question: str) -> Json:
        messages = [{"role": "user", "content": question}]
        return dict(self.post("/api/chat/completions", {"model": model, "messages": messages, "stream": False}))

    def ours(self, question: str) -> list[str]:
        said = self.ask("search_probe", question)["choices"][0]["message"]["content"]
        return [found["name"] for found in json.loads(said)[:5]]

    def open_webuis(self, question: str, hybrid: bool) -> list[str]:
        body = {"collection_names": list(self.bases.values()), "query": question, "k": 5, "hybrid": hybrid}
        body |= {"k_reranker": 5} if hybrid else {}
        found = self.post("/api/v1/retrieval/query/collection", body)
        return [about["name"] for about in found["metadatas"][0]]


@contextmanager
def site(folder: Path, progress: Console) -> Iterator[Site]:
    with embedding_server(folder / "embeddings.log") as embeddings, upstream_serving(embeddings) as (_, address):
        for server in start(folder):
            headers = {"Authorization": f"Bearer {server.admin_token}"}
            with httpx2.Client(base_url=server.url, headers=headers, timeout=900) as client:
                embedding = {"url": f"{address}/v1", "key": "none"}
                set_up(server, embedding)
                bases: dict[Language, str] = {}
                for language in FIRST_TO_LAST:
                    began = time.monotonic()
                    bases[language] = filled(client, language, corpus(language))
                    progress.print(f"{language}: in the knowledge base after {time.monotonic() - began:.0f} s")
                yield Site(server, client, bases)


FIRST_TO_LAST: tuple[Language, ...] = ("ja", "en")


def set_up(server: OpenWebUIServer, embedding: Json) -> None:
    engine = {"RAG_EMBEDDING_ENGINE": "openai", "RAG_EMBEDDING_MODEL": EMBEDDINGS, "RAG_EMBEDDING_BATCH_SIZE": 16}
    server.request("POST", "/api/v1/retrieval/embedding/update", {**engine, "openai_config": embedding})
    server.request("POST", "/api/v1/retrieval/config/update", RETRIEVAL)
    for id, path in {"document_search": ROOT / "pipes", "search_probe": ROOT / "tests" / "bench"}.items():
        content = (path / f"{id}.py").read_text(encoding="utf-8")
        form = {"id": id, "name": id, "content": content, "meta": {"description": ""}}
        server.request("POST", "/api/v1/functions/create", form)
        server.request("POST", f"/api/v1/functions/id/{id}/toggle")
    server.request("GET", "/api/models?refresh=true")


def filled(client: httpx2.Client, language: Language, held: Corpus) -> str:
    """The id of a knowledge base with the documents. They are read first and embedded many at a time."""
    update = "/api/v1/retrieval/config/update"
    client.post(update, json={"BYPASS_EMBEDDING_AND_RETRIEVAL": True}).raise_for_status()
    ids: list[str] = []
    for document in held.documents:
        part = (document.name, document.text.encode(), "text/plain")
        response = client.post("/api/v1/files/?process_in_background=false", files={"file": part})
        response.raise_for_status()
        ids.append(response.json()["id"])
    client.post(update, json={"BYPASS_EMBEDDING_AND_RETRIEVAL": False}).raise_for_status()
    form = {"name": f"corpus {language}", "description": language, "access_grants": []}
    base = str(client.post("/api/v1/knowledge/create", json=form).json()["id"])
    for at in range(0, len(ids), BATCH):
        body = [{"file_id": id} for id in ids[at : at + BATCH]]
        answer = client.post(f"/api/v1/knowledge/{base}/files/batch/add", json=body)
        answer.raise_for_status()
        assert not answer.json().get("warnings"), answer.json()["warnings"]
    return base


def recall(find: Finder, questions: Sequence[Question]) -> Json:
    """How often the passage that was asked about is the first, or among the first five."""
    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda question: find(question.text), questions))
    first = sum(names[:1] == [question.document] for names, question in zip(found, questions, strict=True))
    five = sum(question.document in names[:5] for names, question in zip(found, questions, strict=True))
    count = len(questions)
    seconds = (time.monotonic() - began) / count
    return {"questions": count, "recall@1": first / count, "recall@5": five / count, "seconds": round(seconds, 3)}


def answers(site: Site, questions: Sequence[Question]) -> Json:
    """Shares of the questions that were answered, and of those the ones whose citations open the answer."""
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda question: site.ask("document_search", question.text), questions))
    answered = [(one, question) for one, question in zip(told, questions, strict=True) if is_answer(one)]
    held = [[question.answered_by(passage) for passage in passages(one)] for one, question in answered]
    quoted = [question.answered_by(text(one)) for one, question in answered]
    back = sum("でしょうか" in text(one) or "What is your question about" in text(one) for one in told)
    return {
        "questions": len(questions),
        "answered": len(answered) / len(questions),
        "asked back": back / len(questions),
        "every citation holds the answer": sum(map(all, held)) / len(answered),
        "the quoted sentences hold the answer": sum(quoted) / len(answered),
    }


def text(told: Json) -> str:
    return str(told["choices"][0]["message"]["content"])


def passages(told: Json) -> list[str]:
    return [passage for source in told["sources"] for passage in source["document"]]


def is_answer(told: Json) -> bool:
    """Neither a question back nor "no clear answer"; the API is asked in English."""
    return text(told).startswith("The documents say:")


def measured(site: Site, count: int, asked: int, hybrid: int, progress: Console) -> Json:
    result: Json = {}
    for language in FIRST_TO_LAST:
        questions = corpus(language).sample(count)
        few = random.Random(11).sample(list(questions), min(hybrid, len(questions)))
        rows: Json = {"ours": recall(site.ours, questions)}
        progress.print(language, "ours", rows["ours"])
        rows["open webui, focused"] = recall(lambda question: site.open_webuis(question, False), questions)
        progress.print(language, "focused", rows["open webui, focused"])
        rows["ours, same few"] = recall(site.ours, few)
        rows["open webui, hybrid"] = recall(lambda question: site.open_webuis(question, True), few)
        progress.print(language, "hybrid", rows["open webui, hybrid"], "ours", rows["ours, same few"])
        rows["answers"] = answers(site, questions[:asked])
        progress.print(language, "answers", rows["answers"])
        result[language] = rows
    valves = "/api/v1/functions/id/document_search/valves/update"
    site.post(valves, {"embeddings": False})
    for language in FIRST_TO_LAST:
        result[language]["ours, words alone"] = recall(site.ours, corpus(language).sample(count))
        result[language]["answers, words alone"] = answers(site, corpus(language).sample(count)[:asked])
        progress.print(language, "words alone", result[language]["ours, words alone"])
        progress.print(language, "words alone, answers", result[language]["answers, words alone"])
    return result


def table(result: Json) -> Table:
    shown = Table("language", "search", "questions", "recall@1", "recall@5", "s", box=None, header_style="bold")
    for language, rows in result.items():
        for name, row in rows.items():
            if "recall@5" in row:
                numbers = (f"{row['recall@1']:.4f}", f"{row['recall@5']:.4f}", f"{row['seconds']:.2f}")
                shown.add_row(language, name, str(row["questions"]), *numbers)
    return shown


def main(
    questions: Annotated[int, typer.Option(min=1, help="Of each language; all where there are fewer.")] = 5_000,
    asked: Annotated[int, typer.Option(min=1, help="As many of them are asked as a person asks.")] = 1_000,
    hybrid: Annotated[int, typer.Option(min=1, help="For Open WebUI's hybrid search: a second each.")] = 300,
    output: Annotated[Path | None, typer.Option(help="Also write the figures here, as JSON.")] = None,
) -> None:
    console = Console(stderr=True)
    if MISSING:
        console.print(MISSING)
        raise typer.Exit(1)
    with TemporaryDirectory(prefix="sekisho-search-") as folder, site(Path(folder), console) as ready:
        result = measured(ready, questions, asked, hybrid, console)
    told = {"cpu": cpu_model(), "embeddings": EMBEDDINGS, "results": result}
    Console().print(table(result))
    print(json.dumps(told, ensure_ascii=False))
    if output:
        output.write_text(json.dumps(told, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    typer.run(main)
