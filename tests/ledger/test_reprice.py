"""Costs again after a price was corrected: the same arithmetic, new files, old ones left."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.config.models import Deployment, Model, Price
from gateway.config.schema import Config
from gateway.dialects.usage import Media, Usage
from gateway.ledger.destination import open_store
from gateway.ledger.files import holding, originals
from gateway.ledger.record import Record
from gateway.maintenance.reprice import reprice
from gateway.maintenance.shipping import ship
from gateway.pricing import listed, priced
from tests.bench.month import write_segments
from tests.ledger.ask import ask, configured, count
from tests.ledger.s3 import BUCKET, S3Server

FIRST, LAST = date(2026, 2, 1), date(2026, 2, 2)
MIDNIGHT = 1_769_904_000 * 10**6


def _models(price: Price | None) -> tuple[Model, ...]:
    own = Deployment(provider="vllm", model="gemma", base_url="http://gpu:8000/v1")
    cloud = Deployment(provider="vertex", model="gemini-2.5-pro")
    return (
        Model(name="mine", price=price, deployments=(own,)),
        Model(name="gemini", deployments=(cloud,)),
        Model(name="unpriced", deployments=(own,)),
    )


WHERE: tuple[dict[str, Any], ...] = (
    {"deployment": "mine/vllm@gpu:8000", "provider": "vllm", "upstream_model": "gemma"},
    {"deployment": "gemini/vertex", "provider": "vertex", "upstream_model": "gemini-2.5-pro"},
    {"deployment": "unpriced/vllm@gpu:8000", "provider": "vllm", "upstream_model": "gemma"},
    {"deployment": "gone/openai", "provider": "openai", "upstream_model": "gpt-5"},
    {},
)


KINDS = ("", "@1024x1024/high", "@1024x1024/low", "@1536x1024/", "@/high", "@512x512/1K")


def _records() -> list[Record]:
    random = Random(3)
    made = []
    for number in range(500):
        where = WHERE[number % len(WHERE)]
        tokens = random.choice((50, 5_000, 250_000))
        usage: dict[str, Any] = {}
        if where and number % 7:
            usage = {"input_tokens": tokens, "cached_input_tokens": random.randrange(tokens), "output_tokens": 77}
            usage |= {"reasoning_tokens": random.choice((None, 12)), "images": random.choice((None, 2))}
            kind = random.choice(KINDS) if usage["images"] else ""
            usage |= {"audio_seconds": random.choice((None, 2.5)), "cost_nano_usd": 1, "price_id": f"old{kind}"}
        at = MIDNIGHT + number * 300 * 10**6
        made.append(Record(request_id=f"r{number}", started_at=at, api="chat", model="x", **where, **usage))
    return made


def _with(config: Config, price: Price | None) -> Config:
    return config.model_copy(update={"models": _models(price)})


def _expected(record: Record, price: Price) -> tuple[int | None, str | None]:
    models = {model.name: model for model in _models(price)}
    model = models.get((record.deployment or "").split("/")[0])
    found = priced(model, model.deployments[0]) if model else listed(record.provider, record.upstream_model or "")
    if record.input_tokens is None or found is None:
        return record.cost_nano_usd, record.price_id
    usage = Usage(
        input=record.input_tokens,
        output=record.output_tokens,
        cached_input=record.cached_input_tokens,
        reasoning=record.reasoning_tokens,
        images=record.images,
        audio_seconds=record.audio_seconds,
        media=Media(image_kind=(record.price_id or "").partition("@")[2] or None),
    )
    return found.cost(usage), found.id_of(usage)


IMAGES = {"1024x1024/high": Decimal("0.2"), "1024x1024": Decimal("0.04"), "high": Decimal("0.3"), "1K": Decimal("0.05")}
NEW = Price.model_validate(
    {"input": "0.11", "output": "0.37", "image": "0.01", "images": IMAGES, "audio_second": "0.0003"}
)


def test_costs_are_those_that_the_new_prices_give(tmp_path: Path) -> None:
    config = configured(tmp_path)
    made = _records()
    write_segments(config.data_dir, made)
    ship(config)
    done = reprice(_with(config, NEW), FIRST, LAST)
    expected = {record.request_id: _expected(record, NEW) for record in made}
    found = {row[0]: (row[1], row[2]) for row in ask(config, "SELECT request_id, cost_nano_usd, price_id FROM ledger")}
    assert found == expected
    assert done.records == len(made)
    assert done.changed == sum(expected[each.request_id][0] != each.cost_nano_usd for each in made) > 0
    assert done.after_nano_usd == sum(cost or 0 for cost, _ in expected.values())
    assert done.before_nano_usd == sum(each.cost_nano_usd or 0 for each in made)
    with holding(config) as held:
        store = held.store
        assert any(item.path.startswith(done.folder) for item in held.parquet)
    assert {item.path[:3] for item in originals(store)} == {"dt="}, "the old files are still there"


def test_the_last_one_counts_and_taking_it_away_brings_back_the_one_before(tmp_path: Path, s3: S3Server) -> None:
    config = configured(tmp_path, destination=f"s3://{BUCKET}/reprice", store_options=s3.options())
    write_segments(config.data_dir, _records()[:60], segment_seconds=86400)
    ship(config)
    cost = "SELECT sum(cost_nano_usd) FROM ledger"
    old = ask(config, cost)
    once = reprice(_with(config, NEW), FIRST, LAST)
    first = ask(config, cost)
    twice = reprice(_with(config, Price(input=Decimal(9))), FIRST, LAST)
    assert ask(config, cost) == [(twice.after_nano_usd,)]
    assert twice.before_nano_usd == once.after_nano_usd
    assert reprice(_with(config, Price(input=Decimal(9))), FIRST, LAST).files == 0, "nothing differs any more"
    store = open_store(config)
    store.delete(item.path for item in list(store.list(f"{twice.folder}/")))
    assert ask(config, cost) == first
    store.delete(item.path for item in list(store.list(f"{once.folder}/")))
    assert ask(config, cost) == old
    assert count(config) == (60, 60)


def test_other_days_are_left(tmp_path: Path) -> None:
    config = configured(tmp_path)
    write_segments(config.data_dir, _records())
    ship(config)
    assert reprice(_with(config, NEW), date(2026, 2, 3), date(2026, 3, 1)).records == 0


@pytest.mark.parametrize(("api", "changed"), [("chat", 1), ("images", 0), ("speech", 0), ("transcriptions", 0)])
def test_costs_that_turn_on_what_no_record_tells_are_kept(tmp_path: Path, api: str, changed: int) -> None:
    config = configured(tmp_path)
    record = Record(request_id="r", started_at=MIDNIGHT, api=api, input_tokens=5, cost_nano_usd=7, **WHERE[0])
    write_segments(config.data_dir, [record])
    ship(config)
    price = Price(input=Decimal(1), audio_input=Decimal(6))
    assert reprice(_with(config, price), FIRST, LAST).changed == changed


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a; DROP TABLE x", "関所"])
def test_names_are_never_sql(tmp_path: Path, name: str) -> None:
    config = configured(tmp_path)
    where: dict[str, Any] = {"deployment": f"{name}/vllm", "provider": name, "upstream_model": name}
    write_segments(config.data_dir, [Record(request_id="r", started_at=MIDNIGHT, api="chat", input_tokens=5, **where)])
    ship(config)
    assert reprice(_with(config, NEW), FIRST, LAST).changed == 0
    assert count(config) == (1, 1)
