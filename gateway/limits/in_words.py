"""What a person is told of a limit: whose, how much is left, when there is more, what goes on, whom to ask."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.limits.limit import Demand, Limit, LimitStatus, Warning, wanted
from gateway.wording.languages import Language

_LONGEST_NAME = 100
MOST_MODELS = 3

_WHOSE: dict[Language, dict[str, str]] = {
    "en": {
        "person": "Your {thing}",
        "team": "The team “{name}”'s {thing}",
        "key": "This API key's {thing}",
        "chat": "The whole chat's {thing}",
    },
    "ja": {
        "person": "あなたの{thing}",
        "team": "チーム「{name}」の{thing}",
        "key": "このAPIキーの{thing}",
        "chat": "チャット全体の{thing}",
    },
}
_THINGS: dict[Language, dict[str, str]] = {
    "en": {
        "requests": "limit of {amount:,} requests a minute",
        "tokens": "limit of {amount:,} tokens a minute",
        "parallel": "limit of {amount:,} requests at the same time",
        "budget.day": "budget of {usd_amount} for today",
        "budget.week": "budget of {usd_amount} for this week",
        "budget.month": "budget of {usd_amount} for this month",
    },
    "ja": {
        "requests": "利用上限（1分あたり{amount:,}回）",
        "tokens": "利用上限（1分あたり{amount:,}トークン）",
        "parallel": "利用上限（同時に{amount:,}件）",
        "budget.day": "今日の予算 {usd_amount}",
        "budget.week": "今週の予算 {usd_amount}",
        "budget.month": "今月の予算 {usd_amount}",
    },
}
_STATES: dict[Language, dict[str, str]] = {
    "en": {
        "requests": "{whose} is reached. Please try again in {seconds} seconds.",
        "tokens": "{whose} is reached. Please try again in {seconds} seconds.",
        "parallel": "{whose} is reached. Please wait until one of them ends.",
        "budget.none": "{whose} is used up: {usd_left} left.",
        "budget.over": "{whose} is used up ({usd_used} used); requests go on.",
        "budget.near": "{whose} is used to {percent} %: {usd_left} left.",
        "budget.little": "{whose} has {usd_left} left, and this request may cost up to {usd_need}. A shorter question, "
        "or a new chat, may still fit.",
        "anew": " It starts anew on {when}.",
        "free": " Models that cost nothing go on: {models}.",
        "ask": " If you need more, ask {contact}.",
        "administrator": "your administrator",
    },
    "ja": {
        "requests": "{whose}に達しました。{seconds}秒後にもう一度お試しください。",
        "tokens": "{whose}に達しました。{seconds}秒後にもう一度お試しください。",
        "parallel": "{whose}に達しました。実行中のものが終わるまでお待ちください。",
        "budget.none": "{whose} を使い切りました（残り {usd_left}）。",
        "budget.over": "{whose} を超えました（利用額 {usd_used}）。引き続き利用できます。",
        "budget.near": "{whose} の {percent} % を使いました（残り {usd_left}）。",
        "budget.little": "{whose} の残りは {usd_left} ですが、このリクエストには最大 {usd_need} "
        "かかる可能性があります。質問を短くするか、新しいチャットなら送信できる場合があります。",
        "anew": "予算は {when} に新しくなります。",
        "free": "料金のかからないモデルは引き続き使えます: {models}。",
        "ask": "増やす必要がある場合は{contact}にご相談ください。",
        "administrator": "管理者",
    },
}
_BETWEEN: dict[Language, str] = {"en": ", ", "ja": "、"}


def limit_in_words(
    status: LimitStatus,
    demand: Demand,
    now: float,
    retry_after: float,
    language: Language,
    *,
    in_chat: bool,
    zone: str | None,
    free_models: Sequence[str],
    contact: str | None = None,
) -> str:
    """Return the sentences about a limit that has no room for `demand`. `now` is in Unix seconds."""
    limit, need = status.limit, wanted(status.limit, demand)
    if limit.kind == "budget":
        state = "budget.little" if status.left else "budget.none"
        words = _stated(status, state, language, in_chat, usd_need=dollars(need))
        return words + _further(status, now, language, zone, free_models, contact)
    words = _stated(status, limit.kind, language, in_chat, seconds=max(1, round(retry_after)))
    return words + _asking(language, contact)


def budget_in_words(
    status: LimitStatus,
    warning: Warning,
    now: float,
    language: Language,
    *,
    in_chat: bool,
    zone: str | None,
    free_models: Sequence[str],
    contact: str | None,
) -> str:
    """Return the sentences about a budget that is nearly used up, or wholly. `now` is in Unix seconds."""
    used_up = "budget.none" if status.limit.hard else "budget.over"
    percent = status.used * 100 // max(1, status.limit.amount)
    words = _stated(status, "budget.near" if warning == "near" else used_up, language, in_chat, percent=percent)
    return words + _further(status, now, language, zone, free_models if status.limit.hard else (), contact)


def _stated(status: LimitStatus, state: str, language: Language, in_chat: bool, **more: object) -> str:
    """Return whose limit it is and how it stands."""
    limit = status.limit
    amounts = {"amount": limit.amount, "left": status.left, "used": status.used}
    said = {**amounts, **{f"usd_{name}": dollars(nano) for name, nano in amounts.items()}}
    kind = f"budget.{limit.window}" if limit.kind == "budget" else limit.kind
    thing = _THINGS[language][kind].format(**said)
    whose = _whose(limit.scope, in_chat, language).format(thing=thing, name=_name(limit))
    return _STATES[language][state].format(whose=whose, **said, **more)


def _further(
    status: LimitStatus,
    now: float,
    language: Language,
    zone: str | None,
    free_models: Sequence[str],
    contact: str | None,
) -> str:
    """Return when a budget starts anew, what goes on meanwhile, and whom to ask."""
    text = _STATES[language]
    words = text["anew"].format(when=moment(now + status.resets_in, zone))
    if free_models:
        words += text["free"].format(models=_BETWEEN[language].join(free_models[:MOST_MODELS]))
    return words + _asking(language, contact)


def _asking(language: Language, contact: str | None) -> str:
    text = _STATES[language]
    return text["ask"].format(contact=contact or text["administrator"])


def moment(seconds: float, zone: str | None) -> str:
    """Return a moment to the minute in a time zone that it names: `2026-12-01 09:00 (Asia/Tokyo)`."""
    try:
        named = ZoneInfo(zone) if zone else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        named = None
    at = datetime.fromtimestamp(round(seconds), named or UTC)
    return f"{at:%Y-%m-%d %H:%M} ({zone if named else 'UTC'})"


def dollars(nano: int) -> str:
    """Return an amount as the page of one's own usage shows it: two decimals from a dollar on, below it what counts."""
    usd = Decimal(nano) / 10**9
    if not 0 < usd < 1:
        return f"${usd:,.0f}" if usd >= 10_000 else f"${usd:,.2f}"
    return "<$0.0001" if usd < Decimal("0.0001") else f"${usd:.{-usd.adjusted() + 1}f}"


def _whose(scope: str, in_chat: bool, language: Language) -> str:
    kind = scope.partition(":")[0]
    return _WHOSE[language]["chat" if kind == "key" and in_chat else kind]


def _name(limit: Limit) -> str:
    return (limit.name or limit.scope.partition(":")[2])[:_LONGEST_NAME]
