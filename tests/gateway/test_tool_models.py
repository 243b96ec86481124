"""Which models coding tools are told of: the first for the work, the cheapest that stays for quick tasks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.api.tool_models import tool_models
from gateway.config.schema import Config
from gateway.identity.policy import Policy
from gateway.routing.routes import build_routes


def _model(name: str, price: float, **more: Any) -> dict[str, Any]:
    deployment = {"provider": "openai-compatible", "base_url": "http://127.0.0.1:1/v1", "model": name}
    return {"name": name, "price": {"input": price, "output": price}, "deployments": [deployment], **more}


def _day(days: int) -> str:
    return f"{datetime.now(UTC).date() + timedelta(days=days)}"


@pytest.mark.parametrize(
    ("ends", "small"),
    [({}, "cheap"), ({"end_of_life": _day(40)}, "middle"), ({"end_of_life": _day(400)}, "cheap")],
)
def test_what_ends_soon_is_not_proposed_for_quick_tasks(ends: dict[str, str], small: str) -> None:
    models = [_model("main", 5), _model("cheap", 1, **ends), _model("middle", 3)]
    found = tool_models(build_routes(Config.model_validate({"models": models}), {}), Policy())
    assert found is not None
    assert (found.main.id, found.small.id) == ("main", small)
    assert len(found.models) == 3, "it can be chosen all the same"


def test_the_main_model_may_end_soon() -> None:
    models = [_model("main", 1, end_of_life=_day(40)), _model("dear", 3)]
    found = tool_models(build_routes(Config.model_validate({"models": models}), {}), Policy())
    assert found is not None
    assert (found.main.id, found.small.id) == ("main", "main")
