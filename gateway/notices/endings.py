"""Notices of models that end soon, or are served for a while only."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from gateway.config.models import Model
from gateway.identity.policy import Policy
from gateway.limits.in_words import moment
from gateway.notices.notice import Notice
from gateway.routing.ending import NEAR
from gateway.routing.routes import Routes
from gateway.wording.languages import Language

_DAY_SECONDS = 36 * 3600.0
"""Longer than a day is anywhere: the notice of the next day has another id."""
_TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "certain": "The model “{model}” ends on {when}.",
        "likely": "The model “{model}” may end on {when}.",
        "temporary": "The model “{model}” is served only until {when}.",
        "successor": " “{successor}” follows it, and can be chosen now.",
        "none": " Please choose another model in good time.",
    },
    "ja": {
        "certain": "モデル「{model}」の提供は {when} に終了します。",
        "likely": "モデル「{model}」の提供は {when} に終了する可能性があります。",
        "temporary": "モデル「{model}」は期間限定で、{when} まで使えます。",
        "successor": "後継の「{successor}」を今からお使いいただけます。",
        "none": "早めに別のモデルをお選びください。",
    },
}


def ending_notices(
    model: Model, routes: Routes, policy: Policy, said_in: Sequence[Language], zone: str | None, now: datetime
) -> Iterator[Notice]:
    """Yield the notice of a model's end, if that is near; the successor is one that the person may use."""
    told = _end(model, routes, zone, now)
    if told is None:
        return
    kind, when, ends = told
    following = routes.successor(model)
    successor = following if following in routes.models and policy.allows(following or "") else None
    parts = (kind, "successor" if successor else "none")
    words = "".join(
        _TEXTS[language][part].format(model=model.name, when=when, successor=successor)
        for language in said_in
        for part in parts
    )
    yield Notice(f"model {model.name} {ends} {now:%Y-%m-%d}", "model", words, _DAY_SECONDS)


def _end(model: Model, routes: Routes, zone: str | None, now: datetime) -> tuple[str, str, str] | None:
    """Return how sure an end is, when it is in words, and its day; None where there is none near."""
    life, until = routes.life(model), model.available.until
    if until is not None and now < until <= now + NEAR and (life is None or until.date() < life.ends):
        return "temporary", moment(until.timestamp(), zone), f"{until.astimezone(UTC):%Y-%m-%d}"
    if life is None or not now.date() < life.ends <= (now + NEAR).date():
        return None
    return "certain" if life.certain else "likely", f"{life.ends}", f"{life.ends}"
