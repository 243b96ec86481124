"""What a person is told of a limit: whose, how much is left, when there is more, what goes on, whom to ask."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.limits.limit import Demand, Limit, LimitStatus, wanted
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
    limit, text = status.limit, _STATES[language]
    amounts = {"amount": limit.amount, "left": status.left, "need": wanted(limit, demand)}
    said = {**amounts, **{f"usd_{name}": dollars(nano) for name, nano in amounts.items()}}
    budget = limit.kind == "budget"
    thing = _THINGS[language][f"budget.{limit.window}" if budget else limit.kind].format(**said)
    whose = _whose(limit.scope, in_chat, language).format(thing=thing, name=_name(limit))
    state = ("budget.little" if status.left else "budget.none") if budget else limit.kind
    words = text[state].format(whose=whose, seconds=max(1, round(retry_after)), **said)
    if budget:
        words += text["anew"].format(when=moment(now + status.resets_in, zone))
        if free_models:
            words += text["free"].format(models=_BETWEEN[language].join(free_models[:MOST_MODELS]))
    return words + text["ask"].format(contact=contact or text["administrator"])


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
