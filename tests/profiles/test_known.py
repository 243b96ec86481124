"""The model table: what is known of models by name, by whose word and since when."""

import csv
import json
from collections import Counter
from datetime import date
from importlib.resources import files

import pytest

from gateway.commands.model_table import COLUMNS, rows
from gateway.config.models import Price
from gateway.profiles.known import HOSTS, NOTHING, known_of, plain_name, same_model

_FIRST_DAY = date(2026, 11, 1)
"""No row was looked up before."""


def _table(name: str) -> list[dict[str, str]]:
    text = (files("gateway.profiles") / name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.parametrize("table", ["public.csv", "vendors.csv"])
def test_every_row_says_who_says_so_and_when(table: str) -> None:
    found = _table(table)
    hosts = {host for named in HOSTS.values() for host in named}

    assert tuple(found[0]) == COLUMNS
    assert Counter((row["host"], row["model"]) for row in found).most_common(1)[0][1] == 1
    for row in found:
        assert row["source"], row
        assert date.fromisoformat(row["looked_up"]) >= _FIRST_DAY, row
        assert row["host"] in hosts, row
        assert row["model"] == plain_name(row["model"]), row
        assert (row["certain"] in ("yes", "no")) is bool(row["ends"]), row
        assert known_of(row["host"], row["model"]) is not NOTHING
        Price.model_validate(known_of(row["host"], row["model"]).price)


def test_who_only_lists_is_not_called_a_vendor() -> None:
    surely = {row["host"] for row in _table("public.csv") if row["certain"] == "yes"}

    assert surely == {"openai"}, "OpenAI's dates are in its own list of models; the others' may be the earliest ones"


@pytest.mark.parametrize(
    ("provider", "model", "ends", "certain", "successor"),
    [
        ("openai", "gpt-5", "2026-12-11", True, "gpt-6.1-sol"),
        ("azure", "gpt-5", "2027-02-09", False, None),
        ("openai", "whisper-1", "2027-02-26", True, "gpt-transcribe"),
        ("azure", "whisper", "2026-12-15", False, None),
        ("anthropic", "claude-sonnet-4-5", "2026-11-30", True, "claude-sonnet-5-5"),
        ("azure-anthropic", "claude-sonnet-4-5", "2026-11-30", True, "claude-sonnet-5-5"),
        ("vertex", "claude-sonnet-4-5@20250929", "2026-09-29", False, "claude-sonnet-5-5"),
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "2027-04-08", False, "anthropic.claude-sonnet-5-5"),
        ("bedrock", "amazon.nova-canvas-v1:0", "2026-09-30", True, "stability.stable-image-core-v1:1"),
        ("gemini", "gemini-2.5-pro", "2026-12-01", True, "gemini-3.8-flash"),
        ("vertex", "gemini-2.5-pro", "2026-10-20", False, "gemini-3.8-flash"),
        ("vertex", "meta/llama-3.3-70b-instruct-maas", "2026-10-21", True, "llama-4-maverick-17b-128e-instruct-maas"),
        ("cohere", "embed-english-v2.0", "2026-04-04", True, "embed-v4.0"),
        ("mistral", "codestral-2501", "2025-11-30", True, "codestral-2508"),
    ],
)
def test_ends_differ_by_host(provider: str, model: str, ends: str, certain: bool, successor: str | None) -> None:
    life = known_of(provider, model).life

    assert life
    assert (str(life.ends), life.certain, life.successor) == (ends, certain, successor)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-6.1-sol"),
        ("vllm", "gpt-5"),
        ("openai", "our-gpt-5"),
        ("openai", ""),
        ("openai", "gpt-5" * 1000),
        ("openai", "\x00//@:"),
        ("nobody", "gpt-5"),
        ("openai", "gpt-5-2099-01-01"),
    ],
)
def test_nobody_said_that_it_ends(provider: str, model: str) -> None:
    assert known_of(provider, model).life is None


@pytest.mark.parametrize(
    "name",
    [
        "anthropic.claude-opus-5-5",
        "us.anthropic.claude-opus-5-5",
        "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-opus-5-5",
    ],
)
def test_names_of_one_model_on_bedrock(name: str) -> None:
    known = known_of("bedrock", name)

    assert known.context_window == 1_000_000
    assert known.max_output_tokens == 128_000
    assert {"tools", "images", "reasoning"} <= set(known.capabilities)
    assert same_model(name, "claude-opus-5-5")
    assert not same_model(name, "claude-opus-5")


def test_a_snapshot_that_no_row_names_has_its_models_window_but_not_its_end() -> None:
    known = known_of("openai", "gpt-5-2099-01-01")

    assert (known.context_window, known.life) == (400_000, None)


def test_the_table_is_made_of_a_public_list() -> None:
    listed = {
        "azure/eu/our-model": {
            "litellm_provider": "azure",
            "mode": "chat",
            "max_input_tokens": 9,
            "supports_vision": True,
        },
        "us.amazon.x-v1:0": {"litellm_provider": "bedrock", "mode": "rerank", "input_cost_per_query": 0.001},
        "amazon.x-v1:0": {"litellm_provider": "bedrock", "mode": "rerank", "deprecation_date": "2027-01-01"},
        "gpt-x": {
            "litellm_provider": "openai",
            "mode": "responses",
            "max_input_tokens": 272_000,
            "max_output_tokens": 128_000,
        },
        "openai/*": {"litellm_provider": "openai", "mode": "chat", "max_input_tokens": 5},
        "elsewhere": {"litellm_provider": "someone", "mode": "chat", "max_input_tokens": 5},
        "says-nothing": {"litellm_provider": "openai", "mode": "chat"},
        "video": {"litellm_provider": "openai", "mode": "video_generation", "deprecation_date": "2027-01-01"},
    }
    made = {(row["host"], row["model"]): row for row in rows(json.loads(json.dumps(listed)), "a list", "2026-11-28")}

    assert set(made) == {("azure", "our-model"), ("bedrock", "amazon.x-v1:0"), ("openai", "gpt-x")}
    assert made["azure", "our-model"]["capabilities"] == "images"
    assert made["openai", "gpt-x"]["context_window"] == "400000", "the list tells the prompt's part alone"
    assert made["bedrock", "amazon.x-v1:0"]["ends"] == "2027-01-01"
    assert {row["source"] for row in made.values()} == {"a list"}
