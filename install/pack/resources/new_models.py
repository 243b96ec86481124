"""A banner that names new models, for some days."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from install.pack.inputs import PlanInputs
from install.pack.manifest.entries import ModelEntry
from install.pack.resources.kind import Wanted
from install.pack.resources.models import since_of
from install.pack.resources.notice import banner

BANNER = "sekisho_new_models"
_MOST_NAMED = 10
_CONTENT = {
    "en-US": "New in the model menu: {names}",
    "ja-JP": "新しいモデルが使えます: {names}",
}
_BETWEEN = {"en-US": ", ", "ja-JP": "、"}


def wanted_new_models(inputs: PlanInputs) -> Iterator[Wanted]:
    """Yield the banner where models came within the last days that everybody may use."""
    if inputs.manifest.new_models is None:
        return
    names = list(_new(inputs, inputs.manifest.new_models.days))[:_MOST_NAMED]
    if names:
        yield banner(BANNER, {key: {"content": _said(key, names)} for key in _CONTENT})


def _new(inputs: PlanInputs, days: int) -> Iterator[str]:
    entries: dict[str, ModelEntry] = {entry.name: entry for entry in inputs.manifest.models or ()}
    oldest = today() - timedelta(days=days)
    for offered in inputs.offered:
        name, entry = offered["id"], entries.get(offered["id"])
        listed = inputs.manifest.models is None or (entry is not None and not entry.groups)
        if listed and offered.get("mode", "chat") == "chat" and (_since(inputs, name) or oldest) > oldest:
            yield (entry and entry.title) or inputs.prefixed(name)


def _since(inputs: PlanInputs, name: str) -> date | None:
    try:
        return date.fromisoformat(since_of(inputs, inputs.there("model", inputs.prefixed(name))) or "")
    except ValueError:
        return None


def today() -> date:
    """Return the day of now in UTC."""
    return datetime.now(UTC).date()


def _said(locale: str, names: list[str]) -> str:
    return _CONTENT[locale].format(names=_BETWEEN[locale].join(names))
