"""The end of a model: told before it, found by `config check`, and named where it has come."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anthropic.types import ModelInfo
from openai.types import Model as OpenAIModel
from pydantic import TypeAdapter
from typer.testing import CliRunner

from gateway.commands.config import app
from gateway.config.load import load
from gateway.dialects.faults import fault_of
from gateway.routing.ending import ending_headers, last
from gateway.routing.routes import build_routes
from tests.fakes.scripted import Scripted, whole
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, deployment, in_process, model

_ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "x",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
_RETIRED = {"error": {"message": "The model `old` has been deprecated, learn more here", "code": "model_not_found"}}
_UNKNOWN = {"error": {"message": "The model `x` does not exist", "code": "model_not_found"}}


def _day(days: int) -> str:
    return f"{datetime.now(UTC).date() + timedelta(days=days)}"


@pytest.fixture(scope="module")
def upstream() -> Iterator[tuple[Scripted, str]]:
    fake = Scripted(
        {
            "works": whole(_ANSWER),
            "gone": whole(_UNKNOWN, 404),
            "410": whole(b"Gone", 410),
            "retired": whole(_RETIRED, 404),
            "amazon": whole({"message": "This model version has reached the end of its life."}, 404),
        }
    )
    with serving(fake) as address:
        yield fake, address


@pytest.fixture(scope="module")
def gateway(upstream: tuple[Scripted, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    def at(name: str, behaviour: str, *more: dict[str, Any], **settings: Any) -> dict[str, Any]:
        return model(name, deployment(upstream[1], behaviour), *more, **settings)

    models = [
        at("fine", "works"),
        at("ending", "works", end_of_life=_day(20), successor="fine"),
        at("ended", "gone", end_of_life=_day(-3), successor="fine"),
        at("ended-alone", "gone", end_of_life=_day(-3)),
        at("not-yet", "gone", end_of_life=_day(3), successor="fine"),
        at("gone-410", "410", successor="fine"),
        at("retired", "retired", successor="fine"),
        at("amazon", "amazon"),
        at("falls-back", "gone", end_of_life=_day(-3), fallback=["fine"]),
        at("taken-off", "works", available={"until": "2025-05-01"}, successor="fine"),
    ]
    with in_process(tmp_path_factory.mktemp("endings"), {"models": models}) as running:
        yield running


def _ask(gateway: InProcess, name: str, path: str = "/v1/chat/completions", **more: Any) -> httpx2.Response:
    body = {"model": name, "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    return gateway.post(path, json=body, **more)


def _get(gateway: InProcess, path: str, **headers: str) -> httpx2.Response:
    return httpx2.get(f"{gateway.url}{path}", headers={"authorization": f"Bearer {gateway.key}", **headers})


def test_answers_tell_the_end_in_standard_headers(gateway: InProcess) -> None:
    answer = _ask(gateway, "ending")

    sunset = parsedate_to_datetime(answer.headers["sunset"])
    assert answer.status_code == 200
    assert f"{sunset:%Y-%m-%dT%H:%M:%S}" == f"{_day(20)}T00:00:00"
    assert answer.headers["sunset"].endswith(" GMT")
    assert answer.headers["deprecation"].startswith("@")
    assert int(answer.headers["deprecation"][1:]) <= sunset.timestamp()
    assert answer.headers["x-sekisho-successor"] == "fine"
    assert not {"sunset", "deprecation"} & set(_ask(gateway, "fine").headers)


def test_the_list_of_models_carries_it(gateway: InProcess) -> None:
    listed = {each["id"]: each for each in _get(gateway, "/v1/models").json()["data"]}
    for each in listed.values():
        TypeAdapter(OpenAIModel).validate_python(each)

    assert listed["ending"]["shutdown_date"] == _day(20)
    assert listed["ending"]["deprecation"] == {
        "end_of_life": _day(20),
        "certain": True,
        "successor": "fine",
        "source": "the configuration",
    }
    assert "deprecation" not in listed["fine"]
    alone = _get(gateway, "/v1/models/ending")
    assert alone.json() == listed["ending"]
    assert "sunset" in alone.headers


def test_anthropics_list_says_deprecated_and_retired(gateway: InProcess) -> None:
    page = _get(gateway, "/v1/models", **{"anthropic-version": "2023-06-01"}).json()["data"]
    found = {each["id"]: TypeAdapter(ModelInfo).validate_python(each) for each in page}

    assert {name: found[name].lifecycle for name in ("fine", "ending", "ended")} == {
        "fine": "active",
        "ending": "deprecated",
        "ended": "retired",
    }
    retires = found["ending"].retires_at
    assert retires
    assert f"{retires:%Y-%m-%d}" == _day(20)


@pytest.mark.parametrize("name", ["ended", "gone-410", "retired"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_has_ended_is_a_404_that_names_the_successor(gateway: InProcess, name: str, stream: bool) -> None:
    body = {"model": name, "stream": stream, "messages": [{"role": "user", "content": "Hi"}]}
    answer = gateway.post("/v1/chat/completions", json=body)

    error = answer.json()["error"]
    assert answer.status_code == 404
    assert (error["code"], error["type"], error["param"]) == ("model_ended", "invalid_request_error", "model")
    assert "'fine'" in error["message"]
    assert answer.headers["x-should-retry"] == "false"


def test_it_is_told_in_the_clients_dialect_and_language(gateway: InProcess) -> None:
    answer = _ask(gateway, "ended", "/v1/messages", headers={"accept-language": "ja"})

    error = answer.json()["error"]
    assert answer.status_code == 404
    assert error["type"] == "not_found_error"
    assert "提供が終了しました" in error["message"]
    assert "代わりにモデル「fine」をお使いください" in error["message"]


def test_without_a_successor_it_says_where_to_look(gateway: InProcess) -> None:
    assert "GET /v1/models" in _ask(gateway, "ended-alone").json()["error"]["message"]
    assert _ask(gateway, "amazon").json()["error"]["code"] == "model_ended"


def test_a_404_before_the_end_is_a_fault_of_the_configuration(gateway: InProcess) -> None:
    answer = _ask(gateway, "not-yet")

    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_misconfigured")


def test_it_is_asked_once_and_its_fallback_answers(gateway: InProcess, upstream: tuple[Scripted, str]) -> None:
    before = upstream[0].calls["gone"]
    _ask(gateway, "ended-alone")
    assert upstream[0].calls["gone"] == before + 1

    assert _ask(gateway, "falls-back").headers["x-sekisho-model"] == "fine"


def test_a_model_that_was_taken_off_names_its_successor(gateway: InProcess) -> None:
    answer = _ask(gateway, "taken-off", headers={"accept-language": "ja"})

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_not_available"
    assert "「fine」" in answer.json()["error"]["message"]


_OPENAI = {"provider": "openai", "model": "gpt-5", "api_key": "x"}
_CLAUDE = {"provider": "vertex", "project": "p-1", "access_token": "x"}


def _written(folder: Path, *models: dict[str, Any]) -> Path:
    (folder / "sekisho.yaml").write_text(json.dumps({"models": models}))
    return folder / "sekisho.yaml"


def _check(file: Path, *options: str) -> str:
    done = CliRunner().invoke(app, ["check", "--config", str(file), *options])
    assert done.exit_code == 0, done.output
    return done.output


def test_check_warns_in_three_degrees_and_names_the_successor(tmp_path: Path) -> None:
    file = _written(
        tmp_path,
        model("new", {**_OPENAI, "model": "gpt-6.1-sol"}),
        model("soon", _OPENAI, end_of_life=_day(10)),
        model("later", _OPENAI, end_of_life=_day(60), successor="gpt-7"),
        model("far", _OPENAI, end_of_life=_day(200)),
        model("over", {**_OPENAI, "model": "gpt-4"}),
        model("perhaps", {**_CLAUDE, "model": "claude-haiku-4-5"}),
        model("planned", _OPENAI, end_of_life=_day(10), available={"until": _day(5)}),
    )
    told = _check(file)
    endings = {each["model"]: each for each in json.loads(_check(file, "--json"))["endings"]}

    assert {name: each["level"] for name, each in endings.items()} == {
        "soon": "urgent",
        "later": "warning",
        "over": "ended",
        "perhaps": "ended",
    }
    assert endings["soon"]["successor"] == "new", "the table's successor, by the name that the configuration gives it"
    assert endings["later"]["successor"] == "gpt-7"
    assert endings["soon"]["days_left"] == 10
    assert "'over' ended on 2026-10-23, where it runs (openai gpt-4)" in told
    assert "'perhaps' may have ended on 2026-10-15" in told
    assert "public list: LiteLLM 1.106.0 (MIT), 2026-11-28" in told


def test_check_names_models_without_a_price(tmp_path: Path) -> None:
    public = {"provider": "openai-compatible", "model": "x", "base_url": "https://api.example.com/v1"}
    file = _written(
        tmp_path,
        model("unknown", public),
        model("priced", public, price={"input": 1}),
        model("free", public, price={"input": 0}),
        model("own", {"provider": "vllm", "model": "x", "base_url": "http://gpu1:8000/v1"}),
        model("ours", {**public, "base_url": "https://10.1.2.3/v1"}),
        model("listed", _OPENAI, end_of_life=_day(900)),
        model("reranks", {"provider": "bedrock", "model": "amazon.rerank-v1:0", "region": "us-west-2", "api_key": "x"}),
        model("agent", public, mode="agent"),
    )
    warnings = json.loads(_check(file, "--json"))["warnings"]

    assert len(warnings) == 1
    assert "'unknown'" in warnings[0]
    assert "'{input: 0}'" in warnings[0]


def test_explain_says_what_is_from_the_table(tmp_path: Path) -> None:
    file = _written(
        tmp_path, model("m", _OPENAI, max_output_tokens=5000), model("own", {**_OPENAI, "model": "our-own"})
    )
    loaded = load(file, {})
    told = CliRunner().invoke(app, ["explain", "--config", str(file)]).output

    assert loaded.config.models[0].context_window == 400_000
    assert loaded.config.models[0].max_output_tokens == 5000
    assert loaded.config.models[0].configured("context_window") is None, "a budget counts on what is configured"
    assert loaded.config.models[1].context_window is None
    assert "models.0.context_window = 400000    # from the model table (public list" in told
    assert 'models.0.capabilities.0 = "tools"    # from the model table' in told
    assert "models.1.context_window = null    # default" in told
    assert 'models.0.deployments.0 ends = "2026-12-11"    # developers.openai.com' in told
    assert 'models.0.deployments.0 price = "input=' in told


def test_a_model_on_two_hosts_has_the_smaller_window_and_the_later_end(tmp_path: Path) -> None:
    azure = {"provider": "azure", "model": "gpt-5", "base_url": "https://r.openai.azure.com/openai/v1", "api_key": "x"}
    own = {"provider": "vllm", "model": "x", "base_url": "http://gpu1:8000/v1"}
    small = {**azure, "model": "gpt-4o"}
    loaded = load(
        _written(
            tmp_path, model("two", _OPENAI, azure), model("with-own", _OPENAI, own), model("small", _OPENAI, small)
        ),
        {},
    )
    routes = build_routes(loaded.config, {})
    two, with_own, small_ = loaded.config.models

    life = routes.life(two)
    assert life
    assert life.ends == date(2027, 2, 9)
    assert routes.life(with_own) is None
    assert with_own.context_window is None
    assert small_.context_window == 128_000
    assert last([]) is None


def test_an_earliest_day_that_is_far_is_not_announced(tmp_path: Path) -> None:
    azure = {
        "provider": "azure",
        "model": "gpt-6-sol",
        "base_url": "https://r.openai.azure.com/openai/v1",
        "api_key": "x",
    }
    routes = build_routes(load(_written(tmp_path, model("m", azure)), {}).config, {})

    life = routes.targets["m"][0].life
    assert life
    assert not life.certain
    if life.ends - datetime.now(UTC).date() > timedelta(days=90):
        assert not list(ending_headers(life))


@pytest.mark.parametrize("value", ["soon", "2026-13-01", 20261211.5, 20261211, True, "", {"day": 1}])
def test_a_day_that_is_none_is_refused(value: object, tmp_path: Path) -> None:
    file = _written(tmp_path, model("m", _OPENAI, end_of_life=value))

    assert CliRunner().invoke(app, ["check", "--config", str(file)]).exit_code != 0


@pytest.mark.parametrize("value", ["a\r\nset-cookie: x", "", " ", "x" * 300, "a b"])
def test_a_successor_that_no_header_may_hold_is_refused(value: str, tmp_path: Path) -> None:
    file = _written(tmp_path, model("m", _OPENAI, successor=value))

    assert CliRunner().invoke(app, ["check", "--config", str(file)]).exit_code != 0


@pytest.mark.parametrize(
    ("body", "ended"),
    [
        (_RETIRED, True),
        ({"message": "This model version has reached the end of its life."}, True),
        ({"error": {"message": "The model `mixtral` has been decommissioned and is no longer supported."}}, True),
        (_UNKNOWN, False),
        ({"error": {"message": "This endpoint has been deprecated"}}, False),
        ({"error": {"message": "x" * 5000 + " model has been retired"}}, False),
    ],
)
def test_how_vendors_say_it(body: object, ended: bool) -> None:
    assert fault_of(json.dumps(body).encode()).ended is ended
