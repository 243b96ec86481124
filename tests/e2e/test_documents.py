"""Documents in a chat: excerpts without the Full text filter, every page with it; and who asked, in the ledger."""

import re
import time

import pytest

from tests.e2e.documents import TABLE, TOPICS, Document
from tests.e2e.stack import CHAT_MODEL, EMBEDDING_MODEL, FULL_TEXT, FileItem, Person, Stack, Turn
from tests.e2e.upstream import ANSWER, TITLE, Seen

TRAVEL = next(number for number, topic in enumerate(TOPICS) if topic[1] == "Travel expenses")
SEARCHED = "出張旅費の日当と宿泊費の上限はいくらですか。"
REFUSED = "board.txt は対象外: アクセスできません（削除されたか、共有されていません）。もう一度添付してください"
UNREAD = (
    "board.txt からは何も読み取れませんでした（空、読み取り中、または削除済み）。"
    "回答にはその内容が含まれません。もう一度添付してください"
)
WHOLE = "すべての章を要約してください。"


@pytest.fixture(scope="module", autouse=True)
def began() -> int:
    """UTC microseconds. Open WebUI embeds a new knowledge base's name for nobody, and earlier tests made some."""
    return time.time_ns() // 1000


@pytest.fixture(scope="module")
def files(hanako: Person, rules_pdf: Document, handbook_docx: Document) -> list[FileItem]:
    return [hanako.upload(rules_pdf), hanako.upload(handbook_docx)]


@pytest.fixture(scope="module")
def searched(hanako: Person, files: list[FileItem]) -> Turn:
    return hanako.ask(SEARCHED, files)


@pytest.fixture(scope="module")
def whole(hanako: Person, files: list[FileItem]) -> Turn:
    return hanako.ask(WHOLE, files, [FULL_TEXT])


@pytest.fixture(scope="module")
def secret(taro: Person) -> tuple[FileItem, str]:
    """Somebody else's file, and what stands in it."""
    text = "役員報酬は非公開である。 Payroll of the board."
    return taro.upload(Document("board.txt", "text/plain", text.encode(), (), ())), text


def found(document: Document, seen: Seen) -> list[str]:
    return [marker for marker in document.markers if marker in seen.prompt]


def test_without_the_filter_the_model_gets_excerpts(
    stack: Stack, searched: Turn, rules_pdf: Document, handbook_docx: Document
) -> None:
    seen = stack.asked(SEARCHED)
    top = stack.open_webui.request("GET", "/api/v1/retrieval/config")["TOP_K"]
    assert 1 <= len(found(rules_pdf, seen)) <= top
    assert 1 <= len(found(handbook_docx, seen)) <= top
    assert {rules_pdf.markers[TRAVEL], handbook_docx.markers[TRAVEL]} & set(
        found(rules_pdf, seen) + found(handbook_docx, seen)
    ), "not what was asked for"
    assert searched.message["content"] == ANSWER
    assert not any("全文" in status for status in searched.statuses)


def test_with_the_filter_the_model_gets_every_page_in_order(
    stack: Stack, whole: Turn, rules_pdf: Document, handbook_docx: Document
) -> None:
    prompt = stack.asked(WHOLE).prompt
    for document in (rules_pdf, handbook_docx):
        places = [prompt.find(marker) for marker in document.markers]
        assert -1 not in places
        assert places == sorted(places)


def sent(seen: Seen, name: str) -> str:
    """The one text of a document that the model got."""
    [text] = re.findall(f'<document name="{re.escape(name)}">\n(.*?)\n</document>', seen.prompt, re.DOTALL)
    return str(text)


def bare(text: str) -> str:
    """Every letter, number and mark, without white space and the signs of headings and tables."""
    return "".join(re.sub(r"^#+ |^[| -]+$|\|", "", text, flags=re.MULTILINE).split())


def test_the_text_is_what_open_webui_extracted_to_the_letter_with_its_structure(
    stack: Stack, hanako: Person, files: list[FileItem], whole: Turn, rules_pdf: Document, handbook_docx: Document
) -> None:
    seen = stack.asked(WHOLE)
    for file in files:
        assert bare(sent(seen, file["name"])) == bare(hanako.extracted(file))
    headings = [f"第{number}章 {name} {english}" for number, (name, english, _) in enumerate(TOPICS, 1)]
    pages = sent(seen, rules_pdf.name).split("\n\n")
    assert [page.partition("\n")[0] for page in pages] == headings, "a page begins on a line of its own"
    chapters = [line for line in sent(seen, handbook_docx.name).splitlines() if line.startswith("#")]
    assert chapters == [f"# {heading}" for heading in headings]


def test_lines_and_tables_survive(stack: Stack, whole: Turn, rules_pdf: Document, handbook_docx: Document) -> None:
    prompt = stack.asked(WHOLE).prompt
    assert "\n".join(rules_pdf.lines) in prompt
    assert "\n\n".join(handbook_docx.lines) in prompt
    head, *rows = (f"| {' | '.join(row)} |" for row in TABLE)
    assert "\n".join([head, "| --- | --- |", *rows]) in prompt


def test_the_status_line_tells_it_in_japanese(whole: Turn, rules_pdf: Document, handbook_docx: Document) -> None:
    *earlier, pdf, docx, line = whole.message["statusHistory"]  # the latest is the one that people see
    assert line["description"].startswith("全文: 2件、128,000トークン中")
    assert (line["done"], line["action"]) == (True, "full_text")
    for detail, document in ((pdf, rules_pdf), (docx, handbook_docx)):  # a click on the line opens them
        assert re.fullmatch(re.escape(document.name) + r" は全文（[\d,]+トークン）", detail["description"])
        assert (detail["done"], detail["action"]) == (True, "full_text_file")
    assert "sources_retrieved" in [status.get("action") for status in earlier]
    assert not [status for status in earlier if "全文" in status.get("description", "")]


def test_the_answer_cites_the_files(whole: Turn, rules_pdf: Document, handbook_docx: Document) -> None:
    assert {source["source"]["name"] for source in whole.message["sources"]} == {rules_pdf.name, handbook_docx.name}


def test_chat_title_and_tags_are_attributed(stack: Stack, hanako: Person, whole: Turn) -> None:
    rows = stack.rows({"chat", "title_generation", "tags_generation"}, chat_id=whole.chat_id)
    assert {row.user_id for row in rows.values()} == {hanako.id}
    assert {row.user_email for row in rows.values()} == {hanako.email}
    assert {row.user_name for row in rows.values()} == {hanako.name}
    assert {row.model for row in rows.values()} == {CHAT_MODEL}
    assert {row.outcome for row in rows.values()} == {"ok"}
    assert {task: row.identity_source for task, row in rows.items()} == {
        "chat": "token",
        "title_generation": "headers",
        "tags_generation": "headers",
    }
    assert rows["chat"].message_id == whole.message["id"]
    assert hanako.get(f"/api/v1/chats/{whole.chat_id}")["title"] == TITLE


def test_the_search_query_is_attributed(stack: Stack, hanako: Person, searched: Turn) -> None:
    row = stack.rows({"query_generation"}, chat_id=searched.chat_id)["query_generation"]
    assert (row.user_id, row.identity_source) == (hanako.id, "headers")


def test_embeddings_are_attributed(stack: Stack, hanako: Person, searched: Turn, began: int) -> None:
    records = (row for row in stack.gateway.records() if row.started_at >= began)
    rows = [row for row in records if row.model == EMBEDDING_MODEL]
    assert rows
    assert {(row.task, row.api, row.user_id, row.outcome) for row in rows if row.user_id == hanako.id} == {
        ("embedding", "embeddings", hanako.id, "ok")
    }
    assert None not in {row.user_id for row in rows}


def test_passages_and_questions_are_embedded_as_such(stack: Stack, searched: Turn) -> None:
    bodies = [seen.body for seen in stack.upstream.seen if seen.path.endswith("/embeddings")]
    kinds = {body["input_type"] for body in bodies if SEARCHED in str(body["input"])}
    assert kinds == {"query"}
    assert {body["input_type"] for body in bodies} == {"query", "passage"}


@pytest.mark.parametrize("filters", [[], [FULL_TEXT]], ids=["search", "whole"])
@pytest.mark.parametrize("context", [None, "full"])
def test_the_file_of_somebody_else_is_not_sent(
    stack: Stack, hanako: Person, secret: tuple[FileItem, str], filters: list[str], context: str | None
) -> None:
    item, text = secret
    question = f"この文書の内容は? {filters} {context}"
    turn = hanako.ask(question, [{**item, "context": context}], filters)
    assert stack.asked(question)
    assert not any(text in seen.everything for seen in stack.upstream.seen if question in seen.everything)
    assert [status for status in turn.statuses if "board.txt" in status] == [REFUSED if filters else UNREAD]
    assert turn.statuses[-1] == (REFUSED if filters else UNREAD), "the latest is the one that people see"


@pytest.mark.parametrize("filters", [[], [FULL_TEXT]], ids=["search", "whole"])
def test_its_owner_gets_it(stack: Stack, taro: Person, secret: tuple[FileItem, str], filters: list[str]) -> None:
    item, text = secret
    question = f"この文書の要点は? {filters}"
    taro.ask(question, [item], filters)
    assert text in stack.asked(question).prompt


def test_nothing_personal_goes_upstream(stack: Stack, hanako: Person, searched: Turn, whole: Turn) -> None:
    stack.rows({"chat", "title_generation", "tags_generation"}, chat_id=whole.chat_id)
    forbidden = ("sekisho_identity", hanako.id, hanako.email, hanako.name, hanako.token)
    for seen in stack.upstream.seen:
        assert not [word for word in forbidden if word in seen.everything]
