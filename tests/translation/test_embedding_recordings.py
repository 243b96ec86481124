"""Recorded vectors arrive in OpenAI's client; the table of it is in docs/translation.md."""

import base64
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx2
import openai
import pytest

from tests.fakes.exchanges import FOLDER, Exchange
from tests.fakes.serving import serving
from tests.fixtures.gateway import in_process
from tests.translation.embedding_judging import KINDS, Replay, model_of, models, our_name, recorded, refused, unsaid

PAGE = Path(__file__).parents[2] / "docs" / "translation.md"
WHOLE_NUMBERS = b'"int8":'
ROWS: dict[str, str] = {}


class Setting(NamedTuple):
    replay: Replay
    strict: openai.OpenAI
    plain: httpx2.Client


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    if not FOLDER.is_dir():
        pytest.skip("no recordings in ../shared/recordings beside the repository")
    replay = Replay()
    with (
        serving(replay) as address,
        in_process(tmp_path_factory.mktemp("vectors"), {"models": list(models(address))}) as gateway,
    ):
        strict = openai.OpenAI(
            base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, _strict_response_validation=True
        )
        headers = {"authorization": f"Bearer {gateway.key}"}
        with strict, httpx2.Client(base_url=gateway.url, headers=headers, timeout=30) as plain:
            yield Setting(replay, strict, plain)


@pytest.mark.parametrize("name", KINDS)
def test_recorded_vectors_arrive(setting: Setting, name: str) -> None:
    found = recorded(name)
    good = [each for each in found if WHOLE_NUMBERS not in each.answer]
    same = sum([_arrives(setting, name, exchange) for exchange in good])
    assert good or found
    ROWS[name] = f"| {name} | {len(found)} | {len(good)} | {same} |"


def _arrives(setting: Setting, name: str, exchange: Exchange) -> bool:
    """Check one exchange; return whether it was asked for as it was recorded."""
    kind, model = KINDS[name], our_name(name, model_of(exchange))
    setting.replay.exchange = exchange
    asked = {key: value for key, value in kind.asked(exchange.request).items() if value is not None}
    told = kind.told(exchange)

    more = {key: value for key, value in asked.items() if key != "input"}
    answer = setting.strict.embeddings.create(
        model=model, input=asked["input"], encoding_format="float", extra_body=more
    )
    assert [each.embedding for each in answer.data] == told.vectors, exchange.name
    packed = setting.plain.post("/v1/embeddings", json={**asked, "model": model, "encoding_format": "base64"})
    assert [base64.b64decode(each["embedding"]) for each in packed.json()["data"]] == [
        struct.pack(f"<{len(vector)}f", *vector) for vector in told.vectors
    ], exchange.name

    assert ("x-sekisho-estimated" in packed.headers) == (told.tokens is None), exchange.name
    assert told.tokens in (None, answer.usage.prompt_tokens), exchange.name
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0, exchange.name
    return bool(unsaid(setting.replay.asked[-2][1]) == unsaid(exchange.request))


@pytest.mark.parametrize("name", ["Cohere", "Gemini", "Vertex AI", "OpenAI", "Voyage"])
def test_recorded_refusals_arrive(setting: Setting, name: str) -> None:
    """What the request is wrong in is told in the vendor's words, what the administrator has to mend is not."""
    kind = KINDS[name]
    assert refused(name)
    for exchange in refused(name):
        setting.replay.exchange = exchange
        asked = {key: value for key, value in kind.asked(exchange.request).items() if value is not None}
        answer = setting.plain.post("/v1/embeddings", json={**asked, "model": our_name(name, model_of(exchange))})
        error = answer.json()["error"]
        told = exchange.json.get("error", exchange.json)
        words = told.get("message") or told["detail"]
        ours = exchange.status in (401, 403, 404) or "API key" in words
        assert answer.status_code == (502 if ours else exchange.status), (exchange.name, answer.text)
        assert (error["code"] == "upstream_misconfigured") is ours, (exchange.name, error)
        assert (words[:60] in error["message"]) is not ours, (exchange.name, error)


def test_the_page_tells_how_it_went() -> None:
    """Runs after all of the above."""
    if len(ROWS) < len(KINDS):
        pytest.skip("not all shapes were judged in this run")
    page = PAGE.read_text()
    missing = [row for row in ROWS.values() if row not in page]
    assert not missing, "put these lines into the page:\n" + "\n".join(ROWS.values())
