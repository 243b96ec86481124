"""Each code of an error has a sentence in both languages, and each person is told in theirs."""

import ast
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import gateway
from gateway import errors
from gateway.api.own_budgets import budget_json
from gateway.dialects.contract import TOO_LONG
from gateway.errors import ApiError, InvalidRequest, UpstreamUnreachable
from gateway.limits.in_words import dollars, moment
from gateway.limits.limit import Demand, Limit, LimitStatus, Window
from gateway.limits.reached import LimitReached
from gateway.limits.windows import bounds
from gateway.serving.refusal import Refusal
from gateway.wording.languages import BOTH, languages
from gateway.wording.reader import Reader, told
from gateway.wording.sentences import SENTENCES, sentence
from plugins.shared.money import money
from tests.limits.gate import NOON, USD

KANA = re.compile(r"[\u3040-\u30ff]")
ROOT = Path(gateway.__file__).parent


def raised_codes() -> Iterator[str]:
    """Yield every code that an error of the gateway can have: defaults of classes, and texts given as `code`."""
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, ApiError)]
    yield from (each.default_code for each in classes)
    yield from (refusal.value[1] for refusal in Refusal)
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword | ast.arg | ast.AnnAssign | ast.Assign):
                yield from _texts(node)
    yield "rate_limit_exceeded"
    yield "insufficient_quota"
    yield TOO_LONG


def _texts(node: ast.AST) -> Iterator[str]:
    """Yield the texts in `code=…`, whether given to a call or assigned."""
    named = isinstance(node, ast.keyword) and node.arg == "code"
    assigned = isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == "code" for to in node.targets)
    if (named or assigned) and isinstance(node, ast.keyword | ast.Assign):
        for each in ast.walk(node.value):
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and re.fullmatch(r"[a-z_]+", each.value):
                yield each.value


def test_each_code_that_can_be_raised_has_both_languages() -> None:
    codes = set(raised_codes()) - {"code"}
    assert {"upstream_closed", "context_length_exceeded", "wrong_mode", "shutdown", "head_too_large"} <= codes
    assert codes - {"queue_timeout"} <= set(SENTENCES)
    assert "queue_timeout" in SENTENCES, "given by its place"


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_says_what_happened_and_what_to_do(code: str) -> None:
    english, japanese = (sentence(code, language, "gemma", 7) for language in BOTH)
    assert english.isascii() or "“gemma”" in english
    assert KANA.search(japanese)
    assert not re.search(r"[{}]|max_tokens|deployment|upstream|server\.", english + japanese)
    assert ("gemma" in english) is ("gemma" in japanese)
    assert ("7 seconds" in english) is ("7秒後" in japanese)
    assert len(re.findall(r"[.!]( |$)", english)) >= 2 or "Ask" in english or ";" in english, "and what to do"


@pytest.mark.parametrize(
    ("claimed", "accepted", "expected"),
    [
        ("ja-JP", "en", ("ja",)),
        ("ja_JP", None, ("ja",)),
        ("en-US", "ja", ("en",)),
        ("de-DE", "ja", ("en",)),
        (None, "ja,en;q=0.5", ("ja",)),
        (None, "en;q=0.3, ja;q=0.9", ("ja",)),
        (None, "de,ja;q=0.5", ("ja",)),
        (None, "fr", ("en",)),
        (None, "ja;q=0, en", ("en",)),
        (None, "*", BOTH),
        (None, "", BOTH),
        (None, None, BOTH),
        ("", None, BOTH),
        ("\x00", None, BOTH),
        (None, "ja;q=nan", BOTH),
        (None, "ja;q=9e999", BOTH),
        (None, ",;=,;", BOTH),
        (None, "x" * 100_000, ("en",)),
    ],
)
def test_languages(claimed: str | None, accepted: str | None, expected: tuple[str, ...]) -> None:
    assert languages(claimed, accepted) == expected


PERSON = Reader(("ja",), is_person=True, model="gemma")
AWAY = UpstreamUnreachable("The model's server cannot be reached.")
FIELD = InvalidRequest("The field 'model' is missing.", code="missing_field", param="model")


@pytest.mark.parametrize(
    ("error", "reader", "expected"),
    [
        (AWAY, PERSON, "現在、モデル「gemma」に接続できません。数分後にもう一度お試しください。"
         "続く場合は管理者にお知らせください。（リクエスト番号: abc）"),
        (AWAY, Reader(("en",), True, "gemma"), "The model “gemma” cannot be reached at the moment. "
         "Please try again in a few minutes. If this stays, tell your administrator. (request abc)"),
        (FIELD, Reader(("en",)), "The field 'model' is missing. (request abc)"),
        (FIELD, Reader(("ja",)), "リクエストに必要な項目が足りません。もう一度試しても直りません。"
         "管理者か、お使いのプログラムの作成者にお知らせください。 The field 'model' is missing."
         "（リクエスト番号: abc）"),
        (FIELD, Reader(), "The field 'model' is missing. リクエストに必要な項目が足りません。"
         "もう一度試しても直りません。管理者か、お使いのプログラムの作成者にお知らせください。"
         " (request / リクエスト番号: abc)"),
    ],
)  # fmt: skip
def test_what_is_told(error: ApiError, reader: Reader, expected: str) -> None:
    assert told(error, reader, "abc") == expected


def reached(limit: Limit, used: int, need: int = USD, resets_in: float = 12 * 3600) -> LimitReached:
    return LimitReached(LimitStatus(limit, used, resets_in=resets_in), Demand(cost_nano_usd=need), NOON)


MINE = Limit("person:alice@example.com", "budget", 20 * USD, "month")


@pytest.mark.parametrize(
    ("error", "reader", "expected"),
    [
        (
            reached(MINE, 20 * USD),
            Reader(("en",), True, zone="Asia/Tokyo", free_models=("own", "small")),
            "Your budget of $20.00 for this month is used up: $0.00 left. It starts anew on 2026-11-19 09:00 "
            "(Asia/Tokyo). Models that cost nothing go on: own, small. If you need more, ask your administrator. "
            "(request abc)",
        ),
        (
            reached(MINE, 20 * USD - USD // 4),
            Reader(("ja",), True, zone="Asia/Tokyo", free_models=("own", "small")),
            "あなたの今月の予算 $20.00 の残りは $0.25 ですが、このリクエストには最大 $1.00 かかる可能性があります。"
            "質問を短くするか、新しいチャットなら送信できる場合があります。"
            "予算は 2026-11-19 09:00 (Asia/Tokyo) に新しくなります。"
            "料金のかからないモデルは引き続き使えます: own、small。増やす必要がある場合は管理者にご相談ください。"
            "（リクエスト番号: abc）",
        ),
        (
            reached(Limit("team:研究", "budget", USD, "day"), USD),
            Reader(("en",), True, zone="Nowhere/../etc"),
            "The team “研究”'s budget of $1.00 for today is used up: $0.00 left. It starts anew on "
            "2026-11-19 00:00 (UTC). If you need more, ask your administrator. (request abc)",
        ),
        (
            reached(Limit("key:k1", "parallel", 2), 2),
            Reader(("ja",), True),
            "チャット全体の利用上限（同時に2件）に達しました。実行中のものが終わるまでお待ちください。"
            "増やす必要がある場合は管理者にご相談ください。（リクエスト番号: abc）",
        ),
    ],
)
def test_a_budget_says_whose_how_much_until_when_and_what_goes_on(
    error: LimitReached, reader: Reader, expected: str
) -> None:
    assert told(error, reader, "abc") == expected


@pytest.mark.parametrize("zone", ["", "../../etc/passwd", "Asia/Nowhere", "\x00", "x" * 5000, "Asia", "/etc/localtime"])
def test_a_zone_that_is_none_is_utc(zone: str) -> None:
    assert moment(NOON, zone) == "2026-11-18 12:00 (UTC)"


@pytest.mark.parametrize(
    ("nano", "shown"),
    [
        (0, "$0.00"),
        (1, "<$0.0001"),
        (3_100_000, "$0.0031"),
        (USD // 4, "$0.25"),
        (USD, "$1.00"),
        (20_500 * USD, "$20,500"),
    ],
)
def test_dollars(nano: int, shown: str) -> None:
    assert dollars(nano) == shown


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles", "Asia/Kathmandu", "UTC"])
@pytest.mark.parametrize("left", [0, 1, 123_456, USD // 400, USD // 3, USD - 1, USD, 12 * USD + 340_000_000])
@pytest.mark.parametrize("window", ["day", "week", "month"])
def test_my_usage_tells_the_sum_and_the_time_of_the_refusal(window: Window, left: int, zone: str) -> None:
    """Windows are of UTC; both name the same moment in the person's zone."""
    limit = Limit("person:alice@example.com", "budget", 20 * USD, window)
    status = LimitStatus(limit, 20 * USD - left, resets_in=bounds(window, NOON)[1] - NOON)
    refused = LimitReached(status, Demand(cost_nano_usd=30 * USD), NOON)
    words = told(refused, Reader(("en",), True, zone=zone), "abc")
    budget = budget_json(status, NOON)
    anew = datetime.fromisoformat(budget["resets_at"]).astimezone(ZoneInfo(zone))
    assert f"It starts anew on {anew:%Y-%m-%d %H:%M} ({zone})." in words
    assert f"{money(budget['left_usd'], 'USD')} left" in words
    assert f"budget of {money(budget['usd'], 'USD')} for" in words
