"""Prices: the configuration's before the public ones; whole nano-USD; every kind of thing that costs."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.config.models import Deployment, Model, Price
from gateway.dialects.usage import Media, Usage
from gateway.pricing import Priced, cost_nano_usd, dearest, listed, numbers, priced

COUNT = st.integers(0, 10**7)
USD = st.decimals(0, 1000, places=4)


def _model(price: Price | None = None, provider: str = "openai", name: str = "gpt-5") -> tuple[Model, Deployment]:
    deployment = Deployment(provider=provider, model=name, base_url=None)
    return Model(name="plain-name", price=price, deployments=(deployment,)), deployment


def test_the_configurations_price_comes_first_and_is_told_with_its_numbers() -> None:
    found = priced(*_model(Price(input=Decimal("3.00"), output=Decimal(15), cached_input=Decimal("0.3"))))
    assert found
    assert found.id == "config:plain-name(input=3,output=15,cached_input=0.3)"
    assert found.cost(Usage(input=1_000_000, output=1)) == 3 * 10**9 + 15_000


def test_without_one_the_public_price_is_taken() -> None:
    found = priced(*_model())
    assert found
    assert found.id.startswith("list:openai/gpt-5(input=1.25,output=10")
    assert found.cost(Usage(input=1000, output=100, cached_input=400)) == 600 * 1250 + 400 * 125 + 100 * 10_000


@pytest.mark.parametrize(
    ("provider", "name", "url"),
    [
        ("vllm", "google/gemma-3-27b-it", "http://gpu1:8000/v1"),
        ("llama.cpp", "gpt-5", "http://localhost:8080/v1"),
        ("openai-compatible", "gpt-5", "https://llm.example.com/v1"),
        ("openai", "no-such-model-at-all", None),
    ],
)
def test_what_nobody_sells_has_no_price(provider: str, name: str, url: str | None) -> None:
    assert listed(provider, name, url) is None


def test_a_vendor_is_known_by_its_address() -> None:
    found = listed("openai-compatible", "deepseek-chat", "https://api.deepseek.com/v1")
    assert found
    assert found.id.startswith("list:deepseek/deepseek-chat(")


def test_long_prompts_have_their_own_price() -> None:
    found = listed("vertex", "gemini-2.5-pro")
    assert found
    (threshold, longer), *_ = found.longer
    short, long = Usage(input=threshold, output=10), Usage(input=threshold + 1, output=10)
    assert found.cost(short) == cost_nano_usd(found.price, short)
    assert found.cost(long) == cost_nano_usd(longer, long) > found.cost(short)


def test_prices_have_a_history() -> None:
    then = listed("anthropic", "claude-sonnet-4-6", at=datetime(2026, 3, 1, tzinfo=UTC))
    now = listed("anthropic", "claude-sonnet-4-6", at=datetime(2026, 5, 1, tzinfo=UTC))
    assert then
    assert then.longer
    assert now
    assert not now.longer


def test_everything_that_costs() -> None:
    given_ = {"input": 1, "output": 2, "reasoning": 3, "cache_write": 4, "cached_input": "0.5"}
    price = Price.model_validate({**given_, "image": "0.04", "audio_second": "0.0001", "search_unit": "0.002"})
    usage = Usage(input=1000, output=100, cached_input=300, cache_write=200, reasoning=40)
    tokens = 500 * 1000 + 300 * 500 + 200 * 4000 + 60 * 2000 + 40 * 3000
    assert cost_nano_usd(price, usage) == tokens
    more = replace(usage, images=2, audio_seconds=12.5, search_units=3)
    assert cost_nano_usd(price, more) == tokens + 2 * 40_000_000 + 1_250_000 + 3 * 2_000_000


MEDIA_PRICE = Price.model_validate(
    {"input": 1, "output": 2, "image_input": 10, "image_output": 40, "audio_input": 6, "characters": 15}
)


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (Usage(input=100, output=50, media=Media(image_input=60, image_output=50)), 40 + 600 + 50 * 40),
        (Usage(input=100, output=50, media=Media(audio_input=60, audio_output=50)), 40 + 360 + 50 * 2),
        (Usage(input=100, cached_input=80, media=Media(image_input=90)), 80 + 20 * 10),
        (Usage(input=10, media=Media(image_input=10**12, audio_input=10**12)), 10 * 10),
        (Usage(media=Media(image_input=5, image_output=5, audio_output=5)), 0),
        (Usage(input=3, media=Media(characters=4)), 3 + 60),
    ],
)
def test_tokens_of_images_and_audio_have_prices_of_their_own(usage: Usage, cost: int) -> None:
    assert cost_nano_usd(MEDIA_PRICE, usage) == cost * 1000


@pytest.mark.parametrize(
    ("kind", "usd"),
    [
        ("1024x1024/high", "0.25"),
        ("1024x1024/low", "0.04"),
        ("1024x1024/", "0.04"),
        ("512x512/high", "0.3"),
        ("1536x1024/", "0.3"),
        (None, "0.3"),
    ],
)
def test_images_are_priced_by_size_and_quality(kind: str | None, usd: str) -> None:
    images = {"1024x1024/high": "0.25", "1024x1024": "0.04", "high": "0.3"}
    usage = Usage(images=2, media=Media(image_kind=kind))
    assert cost_nano_usd(Price.model_validate({"images": images}), usage) == 2 * Decimal(usd) * 10**9
    assert cost_nano_usd(Price.model_validate({"images": images, "image": 1}), Usage(images=1)) == 10**9


def test_a_record_tells_the_kind_of_its_images() -> None:
    found = priced(*_model(Price.model_validate({"image": 1, "images": {"1024x1024/high": "0.250"}})))
    assert found
    usage = Usage(images=1, media=Media(image_kind="1024x1024/high"))
    assert found.id_of(usage) == "config:plain-name(image=1,images.1024x1024/high=0.25)@1024x1024/high"
    assert found.id_of(Usage(input=1)) == found.id


def test_public_prices_tell_media_apart() -> None:
    found = listed("openai", "gpt-image-1")
    assert found
    assert found.cost(Usage(input=10, output=5, media=Media(image_input=4))) == 6 * 5000 + 4 * 10_000 + 5 * 40_000
    speech = listed("openai", "tts-1")
    assert speech
    assert speech.cost(Usage(input=3, media=Media(characters=10))) == 150_000


@given(COUNT, COUNT, COUNT, COUNT, USD, USD, USD)
def test_costs_are_exact(
    plain: int, cached: int, written: int, out: int, price: Decimal, answer: Decimal, less: Decimal
) -> None:
    """Against fractions; a half is rounded upwards."""
    usage = Usage(input=plain + cached + written, output=out, cached_input=cached, cache_write=written)
    exact = ((plain + written) * Fraction(price) + cached * Fraction(less) + out * Fraction(answer)) * 1000
    cost = cost_nano_usd(Price(input=price, output=answer, cached_input=less), usage)
    assert cost == int(exact + Fraction(1, 2))


def test_more_cached_than_read_costs_no_less_than_nothing() -> None:
    assert cost_nano_usd(Price(input=Decimal(1)), Usage(input=10, cached_input=20, reasoning=5)) == 20_000


def test_the_dearest_of_several() -> None:
    several = [
        Priced("a", Price(input=Decimal(1), output=Decimal(9))),
        None,
        Priced("b", Price(input=Decimal(2), cache_write=Decimal(3)), ((100, Price(output=Decimal(12))),)),
    ]
    assert dearest(several) == Price(input=Decimal(3), output=Decimal(12))
    assert dearest([None]) == Price()
    media = Price.model_validate(
        {"audio_input": 6, "image_output": 40, "images": {"hd": 2}, "image": 1, "characters": 9}
    )
    assert dearest([Priced("c", media)]) == Price.model_validate(
        {"input": 6, "output": 40, "image": 2, "characters": 9}
    )


def test_numbers_are_short() -> None:
    assert numbers(Price(input=Decimal("0.10"), output=Decimal("40.0"))) == "input=0.1,output=40"
