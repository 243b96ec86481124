"""Research in the real Open WebUI: what a person sees and keeps, what a run costs and whose it is."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.conftest import account
from tests.e2e.page import ENGLISH, JAPANESE, PATIENCE_MS, ChatPage, opened
from tests.e2e.stack import Person, until
from tests.e2e.test_agents import _done, begun, text, title
from tests.e2e.test_browser import CHROMIUM, SILENT
from tests.fakes.search import PDF_FACT, LocalWeb
from tests.fakes.serving import serving
from tests.fakes.thinker import Thinker
from tests.fixtures.gateway import IDENTITY_SECRET, GatewayProcess
from tests.fixtures.open_webui import START_SECONDS, OpenWebUIServer, free_port, start
from tests.fixtures.plugin_host import PYTHON, ROOT
from tests.pipes.research_desk import COST, FOUNDED, OTHER_COST, PAGES, QUESTION, gateway_serving

pytestmark = [pytest.mark.needs_open_webui, pytest.mark.timeout(START_SECONDS + 120)]

NAME = "リサーチ"
EVERYONE = {"principal_type": "user", "principal_id": "*", "permission": "read"}
REVIEWING = "メモを見比べています"
LEDGER = "台帳によると、手形はいくらかは季節により80円から120円である。"

MCP_SERVER = """
import json, sys
from mcp.server import MCPServer

server = MCPServer("wiki")
TEXT = sys.argv[2] + " " + "台帳の続きの文章である。" * 20

@server.tool()
def search(query: str) -> str:
    "Search the wiki."
    return json.dumps({"results": [{"id": "7", "title": "台帳", "url": "https://wiki.example.com/7"}]})

@server.tool()
def fetch(id: str) -> str:
    "Read a page of the wiki."
    return json.dumps({"id": id, "title": "台帳", "text": TEXT})

server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
"""

Json = dict[str, Any]


@dataclass(frozen=True)
class Library:
    server: OpenWebUIServer
    web: LocalWeb
    address: str
    thinker: Thinker
    gateway: GatewayProcess
    hanako: Person

    def set(self, **valves: Any) -> None:
        known = {"gateway_url": f"{self.gateway.url}/v1", "secret": IDENTITY_SECRET, "model": "thinker"}
        self.server.request("POST", "/api/v1/functions/id/research/valves/update", {**known, **valves})


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """An Open WebUI of its own: pages on this machine are readable there, as a company's own pages can be."""
    folder = tmp_path_factory.mktemp("library")
    web, thinker = LocalWeb(), Thinker()
    with (
        serving(web) as address,
        serving(thinker) as upstream,
        gateway_serving(folder, upstream) as gateway,
        contextmanager(start)(folder, {"ENABLE_LOCAL_WEB_FETCH": "true"}) as server,
        ExitStack() as people,
    ):
        connect(server, gateway)
        install(server, "research", NAME)
        search_with(server, address)
        hanako = people.enter_context(contextmanager(account)(server, "山田ハナコ", "hanako@example.com"))
        yield Library(server, web, address, thinker, gateway, hanako)


def connect(server: OpenWebUIServer, gateway: GatewayProcess) -> None:
    form = {
        "ENABLE_OPENAI_API": True,
        "OPENAI_API_BASE_URLS": [f"{gateway.url}/v1"],
        "OPENAI_API_KEYS": [gateway.key("open-webui", "--identity", "open-webui")],
        "OPENAI_API_CONFIGS": {},
    }
    server.request("POST", "/openai/config/update", form)


def install(server: OpenWebUIServer, id: str, name: str) -> None:
    content = (ROOT / "pipes" / f"{id}.py").read_text(encoding="utf-8")
    form = {"id": id, "name": name, "content": content, "meta": {"description": ""}}
    server.request("POST", "/api/v1/functions/create", form)
    server.request("POST", f"/api/v1/functions/id/{id}/toggle")
    grant = {"id": id, "name": name, "access_grants": [EVERYONE]}
    server.request("POST", "/api/v1/models/model/access/update", grant)
    server.request("GET", "/api/models?refresh=true")


def search_with(server: OpenWebUIServer, address: str) -> None:
    web = {
        "ENABLE_WEB_SEARCH": True,
        "WEB_SEARCH_ENGINE": "searxng",
        "SEARXNG_QUERY_URL": f"{address}/search",
        "SEARXNG_LANGUAGE": "all",
        "WEB_SEARCH_RESULT_COUNT": 10,
    }
    server.request("POST", "/api/v1/retrieval/config/update", {"web": web})


@pytest.fixture
def desk(library: Library) -> Library:
    library.web.clear()
    library.thinker.clear()
    library.web.publish(PAGES)
    library.set()
    return library


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is missing: run `apt-get install chromium fonts-noto-cjk` as root")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SILENT)
        yield browser
        browser.close()


def test_report_sources_statuses_and_cost_are_kept_and_the_title_costs_nothing(desk: Library) -> None:
    turn = desk.hanako.ask(QUESTION, model="research")
    report = text(turn.message)
    assert f"- {FOUNDED} [1]" in report
    assert f"- [2] 手形の値段 {desk.address}/tegata" in report
    assert [source["source"]["name"] for source in turn.message["sources"]] == ["箱根関所の歴史", "手形の値段"]
    assert COST in turn.message["sources"][0]["document"]
    assert turn.statuses[0] == "計画しています"
    assert turn.statuses[-1].startswith("調査を終えました · ")
    assert turn.message["statusHistory"][-1]["done"] is True
    calls = len(desk.thinker.asked)
    until(lambda: title(desk.hanako, turn.chat_id).startswith("箱根関所") or None, "the chat has no title")
    assert len(desk.thinker.asked) == calls

    def rows() -> list[Any]:
        return [row for row in desk.gateway.records() if row.message_id == turn.message["id"]]

    until(lambda: len(rows()) >= calls, "the ledger lacks rows")
    assert {(row.user_id, row.user_email, row.task, row.chat_id, row.outcome) for row in rows()} == {
        (desk.hanako.id, desk.hanako.email, "research", turn.chat_id, "ok")
    }
    assert turn.message["usage"]["cost"] == pytest.approx(sum(row.cost_nano_usd or 0 for row in rows()) / 1e9)


def test_a_pdf_on_the_web_is_read_as_uploaded_ones_are(desk: Library) -> None:
    desk.web.offered = ["/report.pdf"]
    desk.thinker.plan = ["箱根関所は1619年に"]
    assert PDF_FACT in text(desk.hanako.ask("箱根関所は1619年に設置されましたか", model="research").message)


def test_the_company_s_documents_are_searched_too(desk: Library, tmp_path: Path) -> None:
    rule = "手形規程の第3条によると、手形はいくらかは300円である。"
    (tmp_path / "手形規程.txt").write_text(rule + "規程の続きの文章である。" * 20, encoding="utf-8")
    install(desk.server, "document_search", "社内文書検索")
    valves = {"folder": str(tmp_path), "folder_groups": "*", "embeddings": False}
    desk.server.request("POST", "/api/v1/functions/id/document_search/valves/update", valves)
    try:
        turn = desk.hanako.ask(QUESTION, model="research")
    finally:
        desk.server.request("DELETE", "/api/v1/functions/id/document_search/delete")
    assert f"{rule} [" in text(turn.message)
    assert f"{FOUNDED} [" in text(turn.message), "and the web"
    assert any("手形規程" in source["source"]["name"] for source in turn.message["sources"])


def test_a_real_mcp_server_is_searched_and_read(desk: Library, tmp_path: Path) -> None:
    with mcp_server(tmp_path) as address:
        connection = {
            "url": address,
            "path": "",
            "type": "mcp",
            "auth_type": "none",
            "key": "",
            "config": {"enable": True, "access_grants": [EVERYONE]},
            "info": {"id": "wiki", "name": "Wiki", "description": ""},
        }
        form: Json = {"TOOL_SERVER_CONNECTIONS": [connection]}
        desk.server.request("POST", "/api/v1/configs/tool_servers", form)
        try:
            turn = desk.hanako.ask(QUESTION, model="research", tool_ids=["server:mcp:wiki"])
        finally:
            desk.server.request("POST", "/api/v1/configs/tool_servers", {"TOOL_SERVER_CONNECTIONS": []})
    assert f"{LEDGER} [" in text(turn.message)
    assert "台帳" in {source["source"]["name"] for source in turn.message["sources"]}


@contextmanager
def mcp_server(folder: Path) -> Iterator[str]:
    port = free_port()
    script, log = folder / "wiki.py", folder / "wiki.log"
    script.write_text(MCP_SERVER, encoding="utf-8")
    with (
        log.open("wb") as output,
        subprocess.Popen([str(PYTHON), str(script), str(port), LEDGER], stdout=output, stderr=output) as process,
    ):
        try:
            until(lambda: b"running on" in log.read_bytes() or process.poll(), log.read_text(), 60)
            assert process.poll() is None, log.read_text()
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()


def test_stop_closes_the_model_and_keeps_the_notes(desk: Library) -> None:
    desk.set(model="hang-review")
    chat_id, answer_id = begun(desk.hanako, QUESTION, "research")
    asked = until(lambda: next(iter(desk.thinker.at("review")), None), "nobody asked")
    desk.hanako.post(f"/api/tasks/chat/{chat_id}/stop", {})
    assert asked.closed.wait(30)
    message = until(lambda: _done(desk.hanako, chat_id, answer_id), "the answer does not end")
    assert message["statusHistory"][-1]["done"] is True
    assert COST in str(message["output"])


def test_attached_passages_keep_their_numbers(desk: Library) -> None:
    """Open WebUI shows what it found in attached files first; the report counts as it does."""
    note = {"type": "text", "name": "手元.txt", "id": "n1", "content": f"{FOUNDED}" + "手元の資料である。" * 30}
    desk.web.offered = ["/tegata"]
    turn = desk.hanako.ask(QUESTION, [{**note, "context": "full"}], model="research")
    names = [source["source"]["name"] for source in turn.message["sources"]]
    assert names == ["手元.txt", "手形の値段"]
    assert f"- {FOUNDED} [1]" in text(turn.message)
    assert f"- {OTHER_COST} [2]" in text(turn.message)


@pytest.mark.needs_browser
def test_choose_correct_the_plan_watch_and_open_a_source(desk: Library, browser: Browser) -> None:
    with opened(browser, JAPANESE) as chat:
        chat.sign_in(desk.hanako)
        chat.page.locator("#model-selector-model-button").click()
        chat.page.get_by_role("option", name=NAME).click()
        with desk.thinker.holding("review"):
            chat.send(QUESTION)
            correct(chat, "箱根関所はいつ設置されたか\n関所の手形はいくらか")
            expect(chat.statuses.last).to_contain_text(REVIEWING)
        expect(chat.answers.last).to_contain_text("わかったこと")
        expect(chat.statuses.last).to_contain_text("調査を終えました")
        assert sorted(desk.web.searches) == ["箱根関所はいつ設置されたか", "関所の手形はいくらか"]
        expect(chat.open_statuses().nth(2)).to_contain_text("関所の手形はいくらか")
        chat.shoot("research-report")
        chat.answers.last.get_by_role("button", name="ソースを表示: 箱根関所の歴史").first.click()
        expect(chat.page.get_by_role("dialog")).to_contain_text(COST)


def correct(chat: ChatPage, plan: str) -> None:
    dialog = chat.page.get_by_role("dialog", name="調べる項目")
    expect(dialog.locator("textarea")).to_have_value("箱根関所はいつ設置されたか\n手形はいくらか")
    chat.shoot("research-plan")
    dialog.locator("textarea").fill(plan)
    dialog.get_by_role("button").last.click()
    expect(dialog).to_have_count(0)


@pytest.mark.needs_browser
def test_a_run_survives_a_reload(desk: Library, browser: Browser) -> None:
    desk.set(ask_for_plan=False)
    with opened(browser, JAPANESE) as chat:
        with desk.thinker.holding("review"):
            ask(chat, desk)
            expect(chat.statuses.last).to_contain_text(REVIEWING)
            chat.page.reload()
            expect(chat.statuses.last).to_contain_text(REVIEWING)
        expect(chat.answers.last).to_contain_text("食い違い")
        expect(chat.statuses.last).to_contain_text("調査を終えました")
        assert len(desk.thinker.at("report")) == 1


def ask(chat: ChatPage, desk: Library) -> None:
    chat.sign_in(desk.hanako)
    chat.open_model(desk.server.url, "research")
    chat.send(QUESTION)


@pytest.mark.needs_browser
def test_nobody_corrects_the_plan_and_then_stop(desk: Library, browser: Browser) -> None:
    desk.set(plan_seconds=3, model="hang-review")
    with opened(browser, ENGLISH) as chat:
        ask(chat, desk)
        expect(chat.page.get_by_role("dialog", name="What is looked up")).to_be_visible()
        expect(chat.statuses.last).to_contain_text("Comparing the notes")
        expect(chat.page.get_by_role("dialog", name="What is looked up")).to_have_count(0)
        chat.page.get_by_role("button", name="Stop", exact=True).click()
        assert desk.thinker.at("review")[0].closed.wait(30)
        expect(chat.statuses.last).to_contain_text("Stopped; the notes so far")
        chat.page.reload()
        expect(chat.statuses.last).to_contain_text("Stopped; the notes so far")
        expect(chat.page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
