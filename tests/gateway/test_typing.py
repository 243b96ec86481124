"""Who supersedes whom, where a person's completions go, and which programs are known."""

import asyncio
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from gateway.affinity import Affinity, Hints
from gateway.api.classify import of_typing, traffic_class
from gateway.config.schema import Config
from gateway.dialects.fim import FIM
from gateway.dialects.infill import INFILL
from gateway.errors import Superseded
from gateway.identity.caller import Caller
from gateway.identity.client import calling_client
from gateway.identity.keys import Key
from gateway.identity.policy import Policy
from gateway.latest_wins import LatestWins
from gateway.ledger.recorder import Recorder
from gateway.routing.routes import build_routes
from gateway.routing.serving import Serving
from tests.fixtures.gateway import GatewayProcess

WHO = ("alice", "editor")


async def test_the_newer_one_begins_when_the_older_one_has_left() -> None:
    """Else it would be refused for what the older one still holds: a limit of one at a time."""
    latest, seen = LatestWins(), list[str]()

    async def complete(name: str) -> None:
        async with latest.newest(WHO):
            try:
                seen.append(f"{name} begins")
                await asyncio.sleep(30 if name == "older" else 0)
            finally:
                await asyncio.sleep(0.01)
                seen.append(f"{name} leaves")

    older = asyncio.create_task(complete("older"))
    await asyncio.sleep(0)
    await complete("newer")
    with pytest.raises(Superseded):
        await older
    assert seen == ["older begins", "older leaves", "newer begins", "newer leaves"]
    assert not latest._running, "nothing stays"


async def test_one_that_waits_for_an_older_one_is_superseded_too() -> None:
    latest = LatestWins()

    async def stubborn() -> None:
        async with latest.newest(WHO):
            try:
                await asyncio.sleep(30)
            finally:
                await asyncio.sleep(0.2)

    async def plain() -> None:
        async with latest.newest(WHO):
            await asyncio.sleep(0)

    first = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    second = asyncio.create_task(plain())
    await asyncio.sleep(0)
    third = asyncio.create_task(plain())
    ended = await asyncio.gather(first, second, third, return_exceptions=True)
    assert [type(each) for each in ended] == [Superseded, Superseded, type(None)]
    assert not latest._running


async def test_somebody_else_s_cancellation_stays_one() -> None:
    latest = LatestWins()

    async def complete() -> None:
        async with latest.newest(WHO):
            await asyncio.sleep(30)

    task = asyncio.create_task(complete())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not latest._running


def _key(id_: str) -> Key:
    return Key(id_, "", id_, None, None, None, 0, None, Policy())


def _servings() -> tuple[Serving, ...]:
    rows = [
        *({"provider": "vllm", "base_url": f"http://gpu{n}/v1", "model": "qwen3-coder"} for n in range(3)),
        {"provider": "llama.cpp", "base_url": "http://gpu3/v1", "model": "qwen3-coder"},
        {"provider": "mistral", "model": "codestral-latest"},
        {"provider": "anthropic", "model": "claude-sonnet-4-6"},
    ]
    config = Config.model_validate({"models": [{"name": "m", "mode": "completion", "deployments": rows}]})
    routes = build_routes(config, {})
    (group,) = routes.chain(routes.model("m"), FIM)
    return group


def test_all_that_complete_share_the_load_however_they_are_asked() -> None:
    names = [serving.target.provider.name for serving in _servings()]
    assert names == ["vllm", "vllm", "vllm", "llama.cpp", "mistral"]


def test_llama_cpp_s_infill_stands_beside_v1() -> None:
    urls = {serving.target.provider.name: serving.urls[0] for serving in _servings()}
    assert urls["llama.cpp"] == "http://gpu3/infill"
    assert urls["mistral"] == "https://api.mistral.ai/v1/fim/completions"


def test_deepseek_completes_in_its_beta() -> None:
    deployment = {"provider": "deepseek", "model": "deepseek-chat"}
    model = {"name": "m", "mode": "completion", "deployments": [deployment]}
    routes = build_routes(Config.model_validate({"models": [model]}), {})
    ((serving,),) = routes.chain(routes.model("m"), INFILL)
    assert serving.urls[0] == "https://api.deepseek.com/beta/completions"


def test_a_person_s_keystrokes_go_to_the_server_that_knows_their_files() -> None:
    """The text before the cursor begins elsewhere with each line, so it is who types that counts."""
    servings, affinity = _servings(), Affinity()

    def place(key: str, prefix: bytes) -> str:
        recorder = Recorder(api="fim", client="continue")
        recorder.model = "m"
        hints = of_typing(Hints(prefix=prefix), recorder, Caller(_key(key)))
        return affinity.preferred(servings, hints)[0].target.id

    assert len({place("alice", b"line %d" % number) for number in range(50)}) == 1
    everybody = {place(f"key-{number}", b"") for number in range(64)}
    assert len(everybody) == 4, "the servers with a cache share the people"
    servings[0].target.health.failed()
    assert servings[0].target.id not in {place(f"key-{number}", b"") for number in range(64)}


@pytest.mark.parametrize("name", ["llama-vscode", "llama-vim", "twinny", "tabby", "continue"])
def test_editors_are_known_by_the_header_that_names_them(name: str) -> None:
    assert calling_client({"x-sekisho-client": name, "user-agent": "node-fetch"}) == name


def test_a_check_of_the_configuration_names_models_without_gaps(tmp_path: Path) -> None:
    models = [
        {
            "name": name,
            "mode": "completion",
            "deployments": [{"provider": "vllm", "base_url": "http://x/v1", "model": name}],
        }
        for name in ("house-model", "qwen3-coder")
    ]
    said = GatewayProcess(tmp_path, {"models": models}).command("config", "check")
    assert "good (" in said
    assert [line.split("'")[1] for line in said.splitlines() if "Set 'fim:'" in line] == ["house-model"]


@pytest.mark.parametrize("dialect", ["completions", "fim", "infill"])
def test_every_door_is_of_the_most_urgent_class(dialect: str) -> None:
    """Also for a program that works on its own elsewhere; a header may make it less urgent."""
    assert traffic_class("completion", "continue", dialect, {}, _key("a").policy) == "completion"
    assert traffic_class("completion", "continue", dialect, {"x-sekisho-class": "batch"}, _key("a").policy) == "batch"


@pytest.mark.parametrize("page", ["code-completion.md", "code-completion.ja.md"])
def test_the_configuration_that_the_pages_show_works(page: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / page).read_text()
    shown = YAML(typ="safe").load(text.split("```yaml\n")[1].split("```")[0])
    for model in shown["models"]:
        for deployment in model["deployments"]:
            deployment.pop("api_key", None)
    routes = build_routes(Config.model_validate(shown), {})
    assert [routes.completing(endpoint) for endpoint in (FIM, INFILL)] == [["coder", "codestral"]] * 2
