"""Somebody who asks pipes/research.py: the real pipe in the real Open WebUI, the real gateway, a scripted model, a
local web."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.ledger.record import Record
from tests.e2e.stack import until
from tests.fakes.search import LocalWeb, WebPage
from tests.fakes.serving import serving
from tests.fakes.thinker import BEHAVIOURS, Thinker
from tests.fixtures.gateway import IDENTITY_SECRET, GatewayProcess, deployment, model
from tests.fixtures.plugin_host import ROOT, PluginHost, plugin_host_running
from tests.pipes.conftest import Answered

Json = dict[str, Any]

PRICE = {"input": 3.0, "output": 15.0}
QUESTION = "箱根関所はいつ設置され、手形はいくらでしたか。"
FOUNDED = "箱根関所はいつ設置されたかというと、1619年である。"
COST = "関所の手形はいくらかというと、100円であった。"
OTHER_COST = "別の記録では、手形はいくらかについて250円とある。"
PAGES = {
    "/hakone": WebPage(
        "箱根関所の歴史", f"{FOUNDED}\n{COST}\n" + "関所は東海道の要所に置かれ、多くの旅人が通った。\n" * 20, "箱根関所"
    ),
    "/tegata": WebPage("手形の値段", f"{OTHER_COST}\n" + "旅の費用についての記録がある。\n" * 30, "手形"),
}


@dataclass(frozen=True)
class Report(Answered):
    @property
    def statuses(self) -> list[str]:
        return [status["description"] for status in self.data("status")]

    def section(self, heading: str) -> str:
        """What stands below a heading of the report."""
        return self.text.partition(f"## {heading}\n")[2].partition("\n## ")[0].strip()

    @property
    def ended(self) -> bool:
        """Whether the last status says that nothing goes on."""
        return bool(self.data("status")) and self.data("status")[-1]["done"] is True


@dataclass
class Researcher:
    host: PluginHost
    web: LocalWeb
    address: str
    thinker: Thinker
    gateway: GatewayProcess
    user: Json

    def ask(self, question: Any = QUESTION, *, choice: Json | None = None, **options: Any) -> Report:
        """Options: valves under their names, else of host_operations.pipes.answer."""
        known = {"dialog", "metadata", "stream", "headers", "tools", "stop_when", "user"}
        language = options.pop("language", "ja-JP")
        given = {key: options.pop(key) for key in known & options.keys()}
        given["metadata"] = {"variables": {"{{USER_LANGUAGE}}": language}, **given.get("metadata", {})}
        self.host.call("valves", id="research", values={**self.valves, **options})
        user = given.pop("user", self.user)
        self.host.call("user_valves", id="research", user_id=user["id"], values=choice or {"depth": "short"})
        messages = question if isinstance(question, list) else [{"role": "user", "content": question}]
        return Report(**self.host.call("answer", model="research", user=user, messages=messages, **given))

    @property
    def valves(self) -> Json:
        return {"gateway_url": f"{self.gateway.url}/v1", "secret": IDENTITY_SECRET, "model": "thinker"}

    def stopped(self, when: Callable[[], object], folder: Path, **options: Any) -> Report:
        """Presses the stop button as soon as something is so."""
        flag = folder / "stop"

        def watch() -> None:
            until(when, "what was waited for did not happen", 60)
            flag.touch()

        watcher = threading.Thread(target=watch)
        watcher.start()
        report = self.ask(stop_when=str(flag), **options)
        watcher.join()
        return report

    def rows(self, count: int, message_id: str = "m1") -> list[Record]:
        """The ledger's rows of a run; waited for."""

        def found() -> list[Record] | None:
            rows = [row for row in self.gateway.records() if row.message_id == message_id]
            return rows if len(rows) >= count else None

        return until(found, f"fewer than {count} rows", 20)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Researcher]:
    folder = tmp_path_factory.mktemp("research")
    web, thinker = LocalWeb(), Thinker()
    with (
        serving(web) as address,
        serving(thinker) as upstream,
        gateway_serving(folder, upstream) as gateway,
        plugin_host_running(folder, {"ENABLE_LOCAL_WEB_FETCH": "true"}) as host,
    ):
        host.call("install", id="research", content=(ROOT / "pipes" / "research.py").read_text(encoding="utf-8"))
        connections = {
            "openai.api_base_urls": [f"{gateway.url}/v1"],
            "openai.api_keys": [gateway.key("open-webui", "--identity", "open-webui")],
        }
        host.call("config", values={**connections, **search_settings(address)})
        host.call("publish", id="research")
        user = dict(host.call("user", name="山田ハナコ"))
        yield Researcher(host, web, address, thinker, gateway, user)


def search_settings(address: str, **more: Any) -> Json:
    return {
        "web.search.enable": True,
        "web.search.engine": "searxng",
        "web.search.searxng_query_url": f"{address}/search",
        "web.search.result_count": 10,
        "web.search.external_web_search_url": f"{address}/external",
        "web.search.external_web_search_api_key": "key",
        "web.search.bypass_web_loader": False,
        "user.permissions": {"features": {"web_search": True}},
        **more,
    }


@contextmanager
def gateway_serving(folder: Path, upstream: str) -> Iterator[GatewayProcess]:
    models = [model(name, deployment(upstream, name), mode="chat", price=PRICE) for name in BEHAVIOURS]
    config = {"open_webui": {"identity_secret": "${SEKISHO_IDENTITY_SECRET}"}, "models": models}
    process = GatewayProcess(folder, config).start()
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture
def desk(office: Researcher) -> Researcher:
    office.web.clear()
    office.thinker.clear()
    office.web.publish(PAGES)
    office.host.call("config", values=search_settings(office.address))
    office.host.call("local_pages", allowed=True)
    return office
