"""Models that end or are temporary, who still uses them, and what to write to these people."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from gateway.identity.keys import Key
from gateway.routing.routes import Routes
from gateway.wording.languages import BOTH, Language

LOOKED_BACK_DAYS = 30
LONGEST_DAYS = 3650
DIMENSIONS = ("model", "user", "key", "team")
"""Of the question about use, of which the rows of `users_of` are."""
_MOST_KEYS = 20
_TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "subject": "The model {model} ends on {ends}",
        "temporary": "The model {model} is served only until {ends}",
        "body": "You have used the model “{model}” within the last {days} days, in the chat or with a key of your own. "
        "{subject}; from then on requests to it are refused.\n\n{instead}\n\n{ask}",
        "successor": "Please use “{successor}” from now on: choose it in the chat, and in tools set it as the model. "
        "Prompts may need small changes, so that it is worth trying early.",
        "none": "Please choose another model in good time: the chat and GET /v1/models list them.",
        "ask": "Questions? Ask {contact}.",
        "administrator": "your administrator",
    },
    "ja": {
        "subject": "モデル {model} の提供が {ends} に終了します",
        "temporary": "モデル {model} を使えるのは {ends} までです",
        "body": "過去{days}日間に、チャットまたはご自分のキーでモデル「{model}」をご利用いただいています。{subject}。"
        "それ以降のリクエストはエラーになります。\n\n{instead}\n\n{ask}",
        "successor": "今後は後継の「{successor}」をお使いください。チャットではモデルを選び直し、"
        "ツールでは設定のモデル名を変更してください。プロンプトの調整が必要な場合がありますので、早めにお試しください。",
        "none": "早めに別のモデルをお選びください。使えるモデルはチャット、または GET /v1/models で確認できます。",
        "ask": "ご不明な点は{contact}までお問い合わせください。",
        "administrator": "管理者",
    },
}


class Draft(msgspec.Struct, frozen=True):
    """A message to the people who use a model."""

    subject: str
    text: str


class User(msgspec.Struct, frozen=True):
    """Who uses a model: a person, or a key that belongs to nobody."""

    person: str | None
    teams: list[str]
    keys: list[str]
    """Aliases of their own keys."""
    chat: bool
    """Whether it is used in Open WebUI."""
    requests: int


class EndingModel(msgspec.Struct, frozen=True):
    """A model that ends, or is served for a while only."""

    model: str
    ends: str
    """The day: 2026-12-31."""
    days_left: int
    certain: bool
    """False where the source names only the earliest day."""
    temporary: bool
    """The configuration serves it for a while only (`available.until`)."""
    successor: str | None
    source: str
    users: list[User]
    """Who used it within the last 30 days, who uses it most first."""
    draft: dict[str, Draft]
    """By language."""


class EndingModels(msgspec.Struct, frozen=True):
    """Models that end within some days, the nearest first."""

    days: int
    looked_back_days: int
    data: list[EndingModel]


def names_ending(routes: Routes, days: int, today: date) -> list[str]:
    """Return the models that end within `days`, the nearest first."""
    ends = {name: end[0] for name in routes.models if (end := _end(routes, name))}
    near = [name for name, day in ends.items() if 0 <= (day - today).days <= days]
    return sorted(near, key=lambda name: (ends[name], name))


def ending_models(
    routes: Routes,
    names: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[Key],
    days: int,
    contact: str | None,
    today: date,
) -> EndingModels:
    """Return the models of `names` with who uses them; `rows` are of `DIMENSIONS`, with `requests`."""
    by_alias = {key.alias: key for key in keys}
    found = [_ending(routes, name, list(users_of(name, rows, by_alias)), contact, today) for name in names]
    return EndingModels(days, LOOKED_BACK_DAYS, found)


def users_of(model: str, rows: Sequence[Mapping[str, Any]], keys: Mapping[str, Key]) -> Iterator[User]:
    """Yield who uses a model, who does so most first: persons over chat and all their keys, and keys of nobody."""
    found: dict[tuple[str | None, str | None], dict[str, Any]] = {}
    for row in (row for row in rows if row["model"] == model):
        person, alias = row["user"], row["key"]
        use = found.setdefault((person, None if person else alias), {"keys": {}, "teams": {}, "chat": False, "n": 0})
        key = keys.get(alias)
        if key is not None and key.identity:
            use["chat"] = True
        elif alias:
            use["keys"][alias] = None
        if row["team"]:
            use["teams"][row["team"]] = None
        use["n"] += row["requests"]
    ordered = sorted(found.items(), key=lambda item: (-item[1]["n"], item[0][0] or "", item[0][1] or ""))
    for (person, _), use in ordered:
        yield User(person, list(use["teams"])[:_MOST_KEYS], list(use["keys"])[:_MOST_KEYS], use["chat"], use["n"])


def _ending(routes: Routes, name: str, users: list[User], contact: str | None, today: date) -> EndingModel:
    model, life = routes.models[name], routes.life(routes.models[name])
    ends, temporary = _end(routes, name) or (today, False)
    successor = routes.successor(model)
    draft: dict[str, Draft] = {
        language: _draft(name, ends, temporary, successor, contact, language) for language in BOTH
    }
    certain = temporary or life is None or life.certain
    source = "the configuration" if temporary or life is None else life.source
    left = (ends - today).days
    return EndingModel(name, f"{ends}", left, certain, temporary, successor, source, users, draft)


def _end(routes: Routes, name: str) -> tuple[date, bool] | None:
    """Return the day of a model's end, and whether the configuration serves it for a while only; None = no end."""
    model = routes.models[name]
    life, until = routes.life(model), model.available.until
    temporary = until.astimezone(UTC).date() if until else None
    if temporary and (life is None or temporary <= life.ends):
        return temporary, True
    return (life.ends, False) if life else None


def _draft(
    name: str, ends: date, temporary: bool, successor: str | None, contact: str | None, language: Language
) -> Draft:
    text = _TEXTS[language]
    subject = text["temporary" if temporary else "subject"].format(model=name, ends=ends)
    instead = text["successor" if successor else "none"].format(successor=successor)
    ask = text["ask"].format(contact=contact or text["administrator"])
    body = text["body"].format(model=name, days=LOOKED_BACK_DAYS, subject=subject, instead=instead, ask=ask)
    return Draft(subject, body)


def today_utc() -> date:
    """Return the day of now in UTC."""
    return datetime.now(UTC).date()
