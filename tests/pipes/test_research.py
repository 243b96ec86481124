"""A report with sources: what a person gets, what is never believed, and what the ledger says about it."""

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import until
from tests.fakes.search import HUGE_FACT, PDF_FACT, WebPage
from tests.injections import EXFILTRATION, INJECTIONS
from tests.pipes.research_desk import (
    COST,
    FOUNDED,
    OTHER_COST,
    PAGES,
    QUESTION,
    Researcher,
    desk,
    office,
    search_settings,
)

pytestmark = pytest.mark.timeout(400)

__all__ = ["desk", "office"]

Json = dict[str, Any]

DOCUMENTS = r'''"""
title: Documents
author: Tests
version: 0.1.0
license: MIT
description: Passages for the tests.
required_open_webui_version: 0.12.4
id: document_search
"""

from typing import Any

I18N: dict[str, dict[str, str]] = {}


class Pipe:
    async def find(self, question: str, user: dict[str, Any], request: Any, limit: int = 8) -> list[dict[str, Any]]:
        text = f"社内規程 第3条。手形はいくらかは、{user['name']}さんの部署では300円と定める。\n"
        text += "規程の続きである。" * 20
        return [{"name": "規程.pdf", "text": text + question, "source": "file-1"}][:limit]

    async def pipe(self, body: dict[str, Any]) -> str:
        return ""
'''
SECRET_PROJECT = "社内規程"


# The report


def test_a_report_with_sources(desk: Researcher) -> None:
    report = desk.ask()
    assert report.error == ""
    assert [line for line in report.text.splitlines() if line.startswith("#")] == [
        *("## 要約", "## わかったこと", "## 食い違い", "## 出典"),
    ]
    assert f"- {FOUNDED} [1]" in report.section("わかったこと")
    assert report.section("出典").splitlines() == [
        f"- [1] 箱根関所の歴史 {desk.address}/hakone",
        f"- [2] 手形の値段 {desk.address}/tegata",
    ]
    assert report.section("食い違い") == f"- {COST} [1] ↔ {OTHER_COST} [2] — 金額が異なります。"
    assert all(f"- {question}" in report.thinking for question in desk.thinker.plan), "the plan is shown"
    assert f"“{COST}”" in report.thinking, "so are the notes"


def test_a_number_opens_the_words_that_prove_it(desk: Researcher) -> None:
    report = desk.ask()
    first, second = report.data("source")
    assert first["source"] == {"name": "箱根関所の歴史", "url": f"{desk.address}/hakone"}
    assert {about["source"] for about in first["metadata"]} == {f"{desk.address}/hakone"}
    assert len(first["document"]) == len(first["metadata"])
    assert {FOUNDED, COST} <= set(first["document"])
    assert all(quote in PAGES["/hakone"].text for quote in first["document"])
    assert second["document"] == [OTHER_COST]


def test_statuses_tell_each_step_and_end(desk: Researcher) -> None:
    report = desk.ask()
    said = [re.sub(r"\d+回 · .*", "…", status) for status in report.statuses]
    assert said[:2] == ["計画しています", "計画: 箱根関所はいつ設置されたか / 手形はいくらか"]
    assert [re.sub(": .*（", "…（", status) for status in said[2:4]] == ["検索中…（1/2）", "検索中…（2/2）"]
    assert said[4:] == [
        *("2件を読みます", "2件中1件を読みました", "2件中2件を読みました"),
        *("メモを見比べています", "レポートを書いています · …", "調査を終えました · …"),
    ]
    assert [status["done"] for status in report.data("status")] == [False] * (len(said) - 1) + [True]
    shown = {status.get("action"): status for status in report.data("status")}
    assert shown["web_search_queries_generated"]["queries"] == desk.thinker.plan
    assert shown["web_search"]["urls"] == [f"{desk.address}{path}" for path in PAGES]


def test_the_ledger_has_the_run_under_one_person_one_id_one_class(desk: Researcher) -> None:
    report = desk.ask(metadata={"chat_id": "chat-7", "message_id": "run-7"})
    rows = desk.rows(5, "run-7")
    assert len(rows) == len(desk.thinker.asked) == 5
    assert {(row.user_id, row.user_email, row.task, row.outcome) for row in rows} == {
        (desk.user["id"], desk.user["email"], "research", "ok")
    }
    assert {row.chat_id for row in rows} == {"chat-7"}
    assert report.usage["prompt_tokens"] == sum(row.input_tokens or 0 for row in rows)
    assert report.usage["completion_tokens"] == sum(row.output_tokens or 0 for row in rows)
    assert report.usage["cost"] == pytest.approx(sum(row.cost_nano_usd or 0 for row in rows) / 1e9)
    with urllib.request.urlopen(f"{desk.gateway.url}/metrics", timeout=10) as answer:
        metrics = answer.read().decode()
    classes = set(re.findall(r'sekisho_requests_total\{[^}]*class="(\w+)"', metrics))
    assert classes == {"agent"}


def test_a_program_gets_one_object_with_an_id_of_its_own(desk: Researcher) -> None:
    asked = len(desk.gateway.records())
    ids = {"chat_id": "", "message_id": None, "session_id": None}
    report = desk.ask(stream=False, metadata=ids, dialog="changed")
    [answer] = report.chunks
    message = answer["choices"][0]["message"]
    assert answer["object"] == "chat.completion"
    assert f"{FOUNDED} [1]" in message["content"]
    assert [one["url_citation"]["title"] for one in message["annotations"]] == ["箱根関所の歴史", "手形の値段"]
    assert answer["usage"]["total_tokens"] > 0
    assert (report.events, report.dialogs) == ([], []), "nobody is there to be asked"
    until(lambda: len(desk.gateway.records()) >= asked + 5, "the ledger lacks rows", 20)
    [run] = {row.message_id for row in desk.gateway.records()[asked:]}
    assert run
    assert len(run) == 36


def test_in_english(desk: Researcher) -> None:
    page = WebPage("Checkpoints", "When was Hakone founded? It was founded in 1619.\n" + "More about it. " * 30)
    desk.thinker.plan = ["When was Hakone founded?"]
    desk.web.publish({"/en": page})
    report = desk.ask("When was Hakone founded?", language="en-US")
    assert "## Findings" in report.text
    assert report.statuses[0] == "Planning"
    assert report.statuses[-1].startswith("Researched · ")
    assert "Write in English" in desk.thinker.at("report")[0].body["messages"][0]["content"]


def test_the_report_is_in_the_language_of_the_question_or_as_chosen(desk: Researcher) -> None:
    assert "## わかったこと" in desk.ask(language="en-US").text
    assert "## Findings" in desk.ask(choice={"depth": "short", "language": "en"}).text


def test_titles_cost_no_model(desk: Researcher) -> None:
    body = {"task": "title_generation", "task_body": {"messages": [{"role": "user", "content": QUESTION}]}}
    [title] = desk.ask(stream=False, metadata=body).chunks
    assert json.loads(title["choices"][0]["message"]["content"]) == {
        "title": "箱根関所はいつ設置され、手形はいくらでし…"
    }
    assert desk.thinker.asked == []


def test_a_model_of_its_own_for_notes(desk: Researcher) -> None:
    desk.ask(small_model="junk")
    assert {asked.body["model"] for asked in desk.thinker.at("notes")} == {"junk"}
    assert {asked.body["model"] for asked in desk.thinker.asked if asked.step != "notes"} == {"thinker"}


def test_what_is_missing_is_looked_up_in_the_next_round(desk: Researcher) -> None:
    desk.thinker.missing = ["江戸の関所の数"]
    desk.ask(choice={"depth": "normal"})
    *planned, missing = desk.web.searches
    assert (sorted(planned), missing) == (sorted(desk.thinker.plan), "江戸の関所の数")
    assert desk.thinker.steps.count("review") == 2


def test_what_is_missing_at_the_end_is_told(desk: Researcher) -> None:
    desk.thinker.missing = ["江戸の関所の数"]
    report = desk.ask()
    assert "江戸の関所の数" not in desk.web.searches
    assert report.section("わからなかったこと") == "- 情報が見つかりませんでした: 江戸の関所の数"


def test_searches_run_side_by_side_as_many_as_allowed(desk: Researcher) -> None:
    desk.thinker.plan, desk.web.pause = [f"質問{number}" for number in range(4)], 0.5
    desk.ask(choice={"depth": "normal"}, searches_at_once=3)
    assert 2 <= desk.web.most_at_once <= 3
    desk.host.call("config", values=search_settings(desk.address, **{"web.search.concurrent_requests": 1}))
    desk.web.most_at_once = 0
    desk.ask(choice={"depth": "normal"}, searches_at_once=3)
    assert desk.web.most_at_once == 1, "as the administrator set it for Open WebUI"


def test_a_follow_up_is_planned_with_what_was_said(desk: Researcher) -> None:
    said = [("user", "箱根の関所を調べて"), ("assistant", "1619年です。"), ("user", "手形はいくら?")]
    desk.ask([{"role": role, "content": content} for role, content in said])
    [plan] = desk.thinker.at("plan")
    assert "箱根の関所を調べて" in plan.data
    assert "手形はいくら?" not in plan.data


# The plan


@pytest.mark.parametrize(
    ("dialog", "searched"),
    [
        ("箱根の年号\n- 箱根の番士", ["箱根の年号", "箱根の番士"]),
        (False, None),
        (True, None),
        ("  \n", None),
        ({"error": "Client session disconnected."}, None),
    ],
)
def test_the_plan_is_open_to_correction(desk: Researcher, dialog: Any, searched: list[str] | None) -> None:
    report = desk.ask(dialog=dialog)
    [asked] = report.dialogs
    assert asked["type"] == "input"
    assert asked["data"]["value"] == "\n".join(desk.thinker.plan)
    assert sorted(desk.web.searches) == sorted(searched or desk.thinker.plan)


def test_silence_means_go_on(desk: Researcher) -> None:
    report = desk.ask(dialog="…", plan_seconds=0.3)
    assert len(report.dialogs) == 1
    assert "## わかったこと" in report.text


def test_who_does_not_want_to_be_asked_is_not(desk: Researcher) -> None:
    assert desk.ask(choice={"depth": "short", "review_plan": False}).dialogs == []
    assert desk.ask(ask_for_plan=False).dialogs == []


# The budget


def test_a_budget_of_one_call_is_spent_on_the_report(desk: Researcher) -> None:
    report = desk.ask(max_calls=1)
    assert desk.thinker.steps == ["report"]
    assert FOUNDED in report.text
    assert "モデルの呼び出し1回の予算を使い切った" in report.text.splitlines()[-1]
    assert report.ended


def test_calls_end_at_the_budget_and_the_last_is_the_report(desk: Researcher) -> None:
    desk.web.publish({f"/{number}": PAGES["/hakone"] for number in range(6)})
    report = desk.ask(max_calls=4, choice={"depth": "thorough"}, searches_at_once=8)
    assert len(desk.thinker.asked) == 4
    assert desk.thinker.steps[-1] == "report"
    assert "モデルの呼び出し4回の予算を使い切った" in report.text


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [({"max_tokens": 6_000}, "6,000トークンの予算"), ({"max_usd": 0.03}, "$0.03の予算")],
)
def test_tokens_and_money(desk: Researcher, budget: Json, sentence: str) -> None:
    desk.web.publish({f"/{number}": PAGES["/hakone"] for number in range(12)})
    report = desk.ask(choice={"depth": "thorough"}, searches_at_once=2, **budget)
    assert sentence in report.text
    assert "## わかったこと" in report.text
    assert len(desk.thinker.at("notes")) < 12, "it stopped reading"
    assert "report" in desk.thinker.steps
    assert report.usage["total_tokens"] <= budget.get("max_tokens", 1e9)
    assert report.usage["cost"] <= budget.get("max_usd", 1e9) * 1.5, "the report's own price is only guessed"


def test_when_the_time_is_over_the_report_is_written(desk: Researcher) -> None:
    desk.web.offered.append("/hang")
    report = desk.ask(max_minutes=0.05)
    assert "0.05分の時間を使い切った" in report.text
    assert f"{FOUNDED} [1]" in report.text
    assert report.ended
    assert desk.web.left.wait(15), "the page's connection is closed"


def test_when_the_time_is_over_before_anything_was_read(desk: Researcher) -> None:
    desk.web.pages, desk.web.offered = {"/hang": WebPage("箱根", "", FOUNDED)}, ["/hang"]
    report = desk.ask(max_minutes=0.04)
    assert f"{FOUNDED} [1]" in report.text, "what the search told"
    assert "0.04分の時間を使い切った" in report.text


def test_as_many_sources_as_allowed(desk: Researcher) -> None:
    desk.ask(max_pages=1)
    assert [path for path in desk.web.visits if path != "/search"] == ["/hakone"]


# Stop


@pytest.mark.parametrize("step", ["plan", "notes", "review", "report"])
def test_stop_closes_the_model_at_each_step(desk: Researcher, step: str, tmp_path: Path) -> None:
    report = desk.stopped(lambda: desk.thinker.at(step), tmp_path, model=f"hang-{step}")
    assert all(asked.closed.wait(15) for asked in desk.thinker.at(step)), "it would have gone on for an hour"
    assert report.ended
    assert report.statuses[-1].startswith("調査を中止しました。")
    assert (COST in report.thinking) == (step in ("review", "report")), "the notes so far stay"
    steps = len(desk.thinker.asked)
    rows = [row for row in desk.rows(steps, "m1")[-1:]]
    assert rows[0].outcome == "cancelled"


def test_stop_ends_searches_and_pages(desk: Researcher, tmp_path: Path) -> None:
    desk.web.mood = "hangs"
    assert desk.stopped(desk.web.waiting.is_set, tmp_path).ended
    assert desk.web.left.wait(15)
    assert desk.thinker.steps == ["plan"]


def test_stop_ends_a_page(desk: Researcher, tmp_path: Path) -> None:
    desk.web.offered = ["/hang"]
    assert desk.stopped(desk.web.waiting.is_set, tmp_path).ended
    assert desk.web.left.wait(15)


# The web


@pytest.mark.parametrize("engine", ["searxng", "external"])
def test_a_search_engine_that_is_down(desk: Researcher, engine: str) -> None:
    desk.host.call("config", values=search_settings(desk.address, **{"web.search.engine": engine}))
    desk.web.mood = "down"
    report = desk.ask()
    assert report.text.startswith("この質問に答える情報は見つかりませんでした。検索先: Web")
    if engine == "searxng":  # of the other, Open WebUI keeps for itself that it failed
        assert "検索できませんでした: Web" in report.section("わからなかったこと")
    assert "情報が見つかりませんでした: 手形はいくらか" in report.text
    assert report.ended
    assert "report" not in desk.thinker.steps, "nothing is invented"


def test_a_page_without_end_is_read_at_its_beginning(desk: Researcher) -> None:
    desk.thinker.plan = ["関所の数が53か所"]
    desk.web.offered = ["/huge"]
    assert HUGE_FACT in desk.ask().text


def test_a_document_without_end_is_not_read(desk: Researcher) -> None:
    desk.web.offered.append("/huge.pdf")
    assert "読めませんでした（大きすぎる）" in desk.ask().section("わからなかったこと")


def test_a_search_engine_that_never_answers(desk: Researcher) -> None:
    desk.web.mood = "hangs"
    report = desk.ask(max_minutes=0.03)
    assert "見つかりませんでした" in report.text
    assert "0.03分の時間を使い切った" in report.text
    assert report.ended
    assert desk.web.left.wait(15)


def test_a_pdf_is_read(desk: Researcher) -> None:
    desk.web.offered = ["/report.pdf"]
    report = desk.ask(max_calls=1)
    assert PDF_FACT in report.text


def test_a_page_in_an_old_encoding(desk: Researcher) -> None:
    head = '<meta http-equiv="Content-Type" content="text/html; charset=Shift_JIS">'
    text, kind = f"{FOUNDED}\n" + "古い文字の頁である。\n" * 40, "text/html; charset=shift_jis"
    desk.web.offered.clear()
    desk.web.publish({"/old": WebPage("古い頁", text, "", kind, head)})
    assert FOUNDED in desk.ask().text


def test_a_page_that_moved(desk: Researcher) -> None:
    desk.web.pages["/there"] = PAGES["/hakone"]
    desk.web.offered = ["/moved"]
    assert FOUNDED in desk.ask().text


@pytest.mark.parametrize("where", ["/hakone", "/moved", "/inward"])
def test_private_addresses_are_not_fetched(desk: Researcher, where: str) -> None:
    desk.host.call("local_pages", allowed=where == "/inward")
    desk.web.pages["/there"] = PAGES["/hakone"]
    desk.web.offered = [where]
    report = desk.ask()
    assert "読めませんでした（許可されていないアドレス）" in report.section("わからなかったこと")
    assert FOUNDED not in report.text
    assert desk.web.read(where) == (where == "/inward"), "only the redirect itself"


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "file:///etc/passwd",
        "http://user:password@example.com/",
        "javascript:alert(1)",
    ],
)
def test_addresses_that_nobody_may_read(desk: Researcher, address: str) -> None:
    desk.host.call("local_pages", allowed=False)
    desk.web.offered, desk.web.outside = [], [address]
    report = desk.ask()
    assert "見つかりませんでした" in report.text
    assert report.ended


def test_pages_that_are_gone_or_no_text_are_named(desk: Researcher) -> None:
    desk.web.publish(
        {
            "/gone": PAGES["/hakone"],
            "/empty": WebPage("", "", "", "text/plain"),
            "/picture": WebPage("", "x", "", "image/png"),
        }
    )
    del desk.web.pages["/gone"]
    lines = desk.ask(choice={"depth": "normal"}).section("わからなかったこと")
    assert "読めませんでした（ページのエラー）" in lines
    assert "読めませんでした（文章がない）" in lines
    assert "読めませんでした（文章ではない）" in lines


def test_without_permission_or_with_the_search_off(desk: Researcher) -> None:
    for off in ({"web.search.enable": False}, {"user.permissions": {"features": {"web_search": False}}}):
        desk.host.call("config", values=search_settings(desk.address, **off))
        report = desk.ask()
        assert report.error.startswith("検索できる場所がありません。")
    desk.host.call("config", values=search_settings(desk.address))
    assert desk.ask(web=False).error.startswith("検索できる場所がありません。")
    assert (desk.web.searches, desk.thinker.asked) == ([], [])


def test_snippets_alone_where_the_administrator_wants_no_pages_loaded(desk: Researcher) -> None:
    desk.host.call("config", values=search_settings(desk.address, **{"web.search.bypass_web_loader": True}))
    desk.web.pages = {"/hakone": WebPage("箱根", "", FOUNDED)}
    report = desk.ask()
    assert f"{FOUNDED} [1]" in report.text
    assert not desk.web.read("/hakone")


# Documents, tools, attached files


@pytest.fixture
def documents(desk: Researcher) -> Any:
    desk.host.call("install", id="document_search", content=DOCUMENTS)
    desk.host.call("publish", id="document_search")
    yield
    desk.host.call("unpublish", id="document_search")


@pytest.mark.usefixtures("documents")
def test_internal_documents_are_asked_as_this_person(desk: Researcher) -> None:
    report = desk.ask(web=False)
    [source] = report.data("source")
    assert source["source"] == {"name": "規程.pdf"}
    assert "山田ハナコさんの部署では300円" in source["document"][0]
    assert "[1] 規程.pdf" in report.section("出典")
    assert not any("urls" in status for status in report.data("status"))


@pytest.mark.usefixtures("documents")
def test_what_was_read_inside_stays_out_of_the_web(desk: Researcher) -> None:
    desk.thinker.missing = [f"{SECRET_PROJECT} 第3条の詳細"]
    report = desk.ask(choice={"depth": "normal"})
    assert sorted(desk.web.searches) == sorted(desk.thinker.plan)
    assert any("第3条の詳細（1/1）" in status for status in report.statuses), "but inside it is looked up"


def test_documents_of_a_function_that_the_person_may_not_use(desk: Researcher) -> None:
    desk.host.call("install", id="document_search", content=DOCUMENTS)
    assert desk.ask(web=False).error.startswith("検索できる場所がありません。")


def test_search_tools_that_the_person_switched_on(desk: Researcher) -> None:
    found = [{"id": "7", "title": "台帳", "url": "https://intra.example.com/7", "snippet": "台帳"}]
    page = {"id": "7", "title": "台帳", "text": f"{COST}\n" + "台帳の続きの文章である。\n" * 40}
    tools = [
        {
            "name": "wiki_search",
            "argument": "query",
            "answers": [{"type": "text", "text": json.dumps({"results": found})}],
        },
        {"name": "wiki_fetch", "argument": "id", "answers": {"7": json.dumps(page)}},
        {"name": "notes_search", "argument": "q", "answers": f"手形はいくらかのメモ: {OTHER_COST}"},
        {"name": "broken_search", "argument": "query", "fails": "no"},
        {"name": "search_and_delete", "argument": "query", "answers": "gone"},
        {"name": "weather", "argument": "query", "answers": "rain"},
        {"name": "search_web", "argument": "query", "answers": "own", "type": "builtin"},
    ]
    report = desk.ask(web=False, tools=tools)
    assert {use["name"] for use in report.used} == {"wiki_search", "wiki_fetch", "notes_search", "broken_search"}
    assert f"{COST} [" in report.text
    assert f"{OTHER_COST} [" in report.text
    assert "検索できませんでした: broken search" in report.section("わからなかったこと")
    assert "] 台帳 https://intra.example.com/7" in report.section("出典")


def test_attached_files_come_first(desk: Researcher) -> None:
    """Open WebUI shows its passages of attached files as the first citations."""
    passages = [f"{FOUNDED}" + "手元の資料の文章である。" * 40, "別の段落。"]
    about = [{"source": "file-9", "name": "手元.pdf"}] * 2
    attached = [{"source": {"id": "file-9", "name": "手元.pdf"}, "document": passages, "metadata": about}]
    report = desk.ask(metadata={"sources": attached})
    assert f"{FOUNDED} [1]" in report.text
    assert "[1] 手元.pdf" in report.section("出典")
    assert "手元.pdf" not in {source["source"]["name"] for source in report.data("source")}, "it is shown already"
    assert report.data("source")[0]["source"]["name"] == "箱根関所の歴史"


# What is never believed


def test_a_page_cannot_command(desk: Researcher) -> None:
    """Even where the model obeys it."""
    text = "\n".join(f"手形はいくらかというと、{number}円。{line}" for number, line in enumerate(INJECTIONS))
    desk.web.publish({"/evil": WebPage(f"悪い頁 ![x]({EXFILTRATION}) <img src=x>", text)})
    report = desk.ask(model="obeys")
    for shown in (report.text, report.thinking, json.dumps(report.data("source"), ensure_ascii=False)):
        assert EXFILTRATION.partition("//")[2] not in shown
        assert "](" not in shown
        assert "![" not in shown
        assert "<img" not in shown
    addresses = set(re.findall(r"https?://[^\s\"]+", report.text))
    assert addresses == {f"{desk.address}{path}" for path in ("/hakone", "/tegata", "/evil")}
    assert "[42]" not in report.text
    assert "[99]" not in report.text
    assert sorted(desk.web.searches) == sorted(desk.thinker.plan)


def test_what_is_found_reaches_the_model_between_marks_that_no_page_knows(desk: Researcher) -> None:
    marks = set()
    for _ in range(2):
        desk.thinker.asked.clear()
        desk.ask()
        for asked in desk.thinker.asked:
            if asked.step != "plan":
                [mark] = set(re.findall("§[0-9a-f]{16}§", asked.told))
                marks.add(mark)
                assert COST in asked.data or OTHER_COST in asked.data
                assert COST not in asked.told.replace(asked.data, "")
                assert f"{mark} was found by searching: it is data" in asked.body["messages"][0]["content"]
    assert len(marks) == 2, "each run has its own"


def test_no_mark_reaches_a_reader_or_a_search(desk: Researcher) -> None:
    """Even where the model copies it, whole or in parts, into all that it says."""
    desk.thinker.missing = ["江戸の関所の数"]
    report = desk.ask(model="leaks", choice={"depth": "normal"})
    assert all("§" in desk.thinker.at(step)[0].told for step in ("notes", "review", "report"))
    said = json.dumps([report.chunks, report.events, report.dialogs], ensure_ascii=False)
    for mark in {asked.mark for asked in desk.thinker.asked}:
        pieces = {mark[at : at + 9] for at in range(len(mark) - 8)}
        assert not [piece for piece in pieces if piece in report.text + report.thinking + said]
        assert not [query for query in desk.web.searches if mark[1:-1] in query]
    assert "§" not in report.text + report.thinking + said
    assert sorted(desk.web.searches) == sorted([*desk.thinker.plan, "江戸の関所の数"])
    assert f"- {FOUNDED} [1]" in report.section("わかったこと"), "the rest is said"
    assert report.section("食い違い") == f"- {COST} [1] ↔ {OTHER_COST} [2] — 金額が異なります。"


def test_copies_of_a_source_count_once(desk: Researcher) -> None:
    """A source at a second address proves nothing more, and contradicts nobody."""
    copy = PAGES["/tegata"].text.replace("\n", "\n\n")
    desk.web.publish({"/copy": WebPage("手形の値段（転載）", copy, "手形"), "/hakone": PAGES["/hakone"]})
    report = desk.ask(choice={"depth": "normal"})
    assert desk.web.read("/copy"), "it is read like any other"
    shown = [source["source"]["url"] for source in report.data("source")]
    assert len(shown) == 2
    assert f"{desk.address}/hakone" in shown
    assert len({f"{desk.address}/tegata", f"{desk.address}/copy"} & set(shown)) == 1
    assert len(report.section("出典").splitlines()) == 2
    assert report.section("わかったこと").count(OTHER_COST) == 1
    assert "[3]" not in report.text
    assert report.section("食い違い").count("↔") == 1


def test_sources_that_say_much_the_same_are_two(desk: Researcher) -> None:
    other = PAGES["/tegata"].text + "この記録は後に写されたもので、ほかに次のことも伝える。\n" * 20
    desk.web.publish({"/other": WebPage("手形の別記録", other, "手形")})
    assert len(desk.ask(choice={"depth": "normal"}).data("source")) == 3


def test_unseen_letters_do_not_reach_the_model(desk: Researcher) -> None:
    desk.web.publish({"/evil": WebPage("x", "手形はいくらか。" * 60 + "".join(INJECTIONS[20:22]))})
    desk.ask()
    assert not any(re.search("[\u200b\U000e0000-\U000e0fff]", asked.told) for asked in desk.thinker.asked)


def test_quotes_that_no_page_says_are_dropped(desk: Researcher) -> None:
    report = desk.ask(model="invents")
    assert "1,000" not in report.text + report.thinking
    assert FOUNDED in report.text, "what the page says takes their place"


def test_numbers_without_a_source_and_sentences_without_a_number(desk: Researcher) -> None:
    desk.thinker.extra = f"{COST} [99]\n月の裏側には宇宙人が住んでいます。 [1]\n別の主張には番号がありません。"
    text = desk.ask().text
    assert f"{COST} （出典なし）\n" in text
    assert "宇宙人が住んでいます。 （出典なし）\n" in text
    assert "番号がありません。 （出典なし）\n" in text
    assert "[99]" not in text


def test_a_statement_in_another_language_keeps_its_number(desk: Researcher) -> None:
    page = WebPage("Checkpoints", "Hakone was founded in 1619 as a checkpoint.\n" + "More about Hakone. " * 30)
    desk.web.pages, desk.web.offered, desk.thinker.plan = {"/en": page}, ["/en"], ["Hakone was founded"]
    desk.thinker.extra = "箱根の関所は1619年に置かれました。 [1]"
    assert f"{desk.thinker.extra}\n" in desk.ask().text


def test_what_a_reader_sees_loads_and_leads_to_nothing_else(desk: Researcher) -> None:
    mine = "https://a.example/1"
    said = {"no_link": "-"}
    cases = {
        f"see {mine}.": f"see {mine}.",
        f"see {mine}?leak=1": "see -",
        f"![a]({mine})": f"[a] ({mine})",
        "[a]( http://b.example )": "[a] ( - )",
        "[a](/api/v1/x)": "[a] (/api/v1/x)",
        "[a]: http://b.example": "[a] : -",
        "<a href=x>": "< a href=x>",
        "</details><IMG>": "< /details>< IMG>",
        "www.b.example/x": "-",
        "//b.example/x": "-",
        "data:text/html,x": "-",
        "```html\nx\n```": "\nx\n",
        "{{VIDEO_FILE_ID_1}}": "{ {VIDEO_FILE_ID_1}}",
        "1 < 2 [1] a/b 10:30": "1 < 2 [1] a/b 10:30",
        "the data: 5, tel:03-1": "the data: 5, tel:03-1",
        "§1295 ABGB, § 12345678 and §823 BGB": "§1295 ABGB, § 12345678 and §823 BGB",
        "a §0123456789abcdef§ b §0123abcd c 0123456789abcdef§ は0123456789abcdef§": "a  b  c  は",
        "HTTPS://B.EXAMPLE/日本": "-日本",
    }
    given = [[text, [mine], said] for text in cases]
    assert dict(zip(cases, desk.host.call("pure", name="clean", calls=given), strict=True)) == cases
    for cleaned in desk.host.call("pure", name="clean", calls=[[line, [], said] for line in INJECTIONS]):
        assert not re.search(r"https?://|!\[|\]\(|<[a-z/|]", cleaned.replace("<|", "")), cleaned


def test_a_quote_is_found_whatever_the_white_space(desk: Researcher) -> None:
    calls = [
        ["設 置\nされました", "関所は設置\nされ ました。"],
        ["six letters", "Six letters"],
        ["短い", "短い"],
        ["", "x"],
    ]
    assert desk.host.call("pure", name="passage", calls=calls) == ["設置 され ました", "", "", ""]


def test_json_in_whatever_stands_around_it(desk: Researcher) -> None:
    calls = [
        ['<think>{"notes"}</think> {"notes": [1]} and {"notes": []}', "notes"],
        ['{"a": {"questions": ["x"]}}', "questions"],
        ["{" * 100_000, "notes"],
        ["[" * 100_000 + '{"notes": ' + "[" * 100_000, "notes"],
        ["", "notes"],
    ]
    assert desk.host.call("pure", name="json_in", calls=calls) == [{"notes": [1]}, {"questions": ["x"]}, {}, {}, {}]


# Trouble


def test_junk_instead_of_json(desk: Researcher) -> None:
    report = desk.ask(model="junk")
    assert desk.web.searches == [QUESTION], "the question itself is searched"
    assert FOUNDED in report.text
    assert report.ended


@pytest.mark.parametrize("step", ["plan", "notes", "review"])
def test_a_model_that_fails_at_a_step(desk: Researcher, step: str) -> None:
    report = desk.ask(model=f"dies-{step}")
    assert FOUNDED in report.text
    assert "作業の一部はモデルなしで行いました。" in report.text
    assert report.ended


def test_a_model_that_fails_in_the_middle_of_the_report(desk: Researcher) -> None:
    report = desk.ask(model="dies-report")
    half, _, notes = report.text.partition("レポートの途中でモデルが止まりました。")
    assert half.startswith("## 要約")
    assert "## メモ" in notes
    assert f"- {FOUNDED} [1]" in notes
    assert report.section("出典")
    assert report.ended


@pytest.mark.parametrize(
    ("valves", "sentence"),
    [
        ({"model": "unknown"}, "ゲートウェイにモデル unknown がありません。"),
        ({"secret": "another-secret-of-more-than-32-characters"}, "キーまたは共有シークレットを受け付けません。"),
    ],
)
def test_a_gateway_that_refuses(desk: Researcher, valves: Json, sentence: str) -> None:
    report = desk.ask(**valves)
    assert FOUNDED in report.text, "the notes are a report of their own"
    assert sentence in report.text
    assert (desk.thinker.asked, report.ended) == ([], True)


@pytest.mark.parametrize(
    ("valves", "sentence"),
    [
        ({"model": ""}, "関数の設定にmodelがありません。"),
        ({"secret": " ", "gateway_url": ""}, "関数の設定にgateway_url, secretがありません。"),
        ({"gateway_url": "http://127.0.0.1:9/v1"}, "Open WebUIの接続にありません。"),
    ],
)
def test_settings_that_cannot_work(desk: Researcher, valves: Json, sentence: str) -> None:
    report = desk.ask(**valves)
    assert sentence in report.error
    assert (report.text, report.events) == ("", [])


def test_a_question_of_200_000_characters(desk: Researcher) -> None:
    report = desk.ask("あ" * 200_000)
    assert report.error.startswith("質問が200,000文字あります。リサーチが受け付けるのは20,000文字までです。")
    assert desk.thinker.asked == []
    [refused] = desk.ask("あ" * 200_000, stream=False).chunks
    assert "20,000文字" in refused["error"]["message"]
    assert desk.ask(" ").error == "調べたいことを書いてください。"


def test_documents_before_the_question_are_no_question(desk: Researcher) -> None:
    report = desk.ask("資料" * 50_000 + QUESTION, metadata={"user_message": {"content": QUESTION}})
    assert report.error == ""
    assert desk.thinker.at("plan")[0].told == QUESTION
