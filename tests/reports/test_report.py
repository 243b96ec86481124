"""The report: every number of a month whose figures are known, names that are hidden, and nothing from elsewhere."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.ledger.record import Record
from gateway.reports.monthly.codes import CODES, explained
from gateway.reports.monthly.page import Look
from gateway.reports.monthly.page import page as page_of
from gateway.reports.monthly.people import bin_width
from gateway.reports.monthly.texts import TEXTS
from gateway.reports.monthly.words import Words
from gateway.wording.sentences import SENTENCES
from tests.bench.month import Month, records
from tests.reports import truth
from tests.reports.ledgers import Ledger

FIRST, LAST = date(2025, 4, 1), date(2025, 4, 30)
DAYS = ("--from", "2025-04-01", "--to", "2025-04-30", "--timezone", "Asia/Tokyo")
OWN = ("--gpu-hours", "2880", "--gpu-hour-usd", "1.5", "--power-kwh", "2000", "--kwh-usd", "0.2", "--people-usd", "80")
PRICED = [
    {
        "name": "bargain",
        "price": {"input": 0.2, "output": 0.4, "cached_input": 0.05},
        "deployments": [{"provider": "openai", "model": "bargain", "api_key": "sk-x"}],
    },
    *(
        {"name": f"inside-{number}", "price": {"input": 0.1, "output": 0.1}, "deployments": [deployment]}
        for number, deployment in enumerate(
            (
                {"provider": "vllm", "model": "m", "base_url": "https://gpu.example.com/v1"},
                {"provider": "openai-compatible", "model": "m", "base_url": "http://10.0.0.7/v1"},
                {"provider": "azure", "model": "m", "base_url": "http://gpu/v1", "api_key": "sk-x"},
            )
        )
    ),
]


def _at(day: int, hour: int, minute: int = 0) -> int:
    return int(datetime(2025, 4, day, hour, minute, tzinfo=UTC).timestamp() * 1e6)


def _more() -> Iterator[Record]:
    """What the generated month has not."""
    someone: dict[str, Any] = {"user_email": "Aiko@Example.com", "user_id": "u-1", "client": "open-webui"}
    refused: dict[str, Any] = {
        "outcome": "refused",
        "status": 429,
        "error_code": "budget_exceeded",
        "duration_ms": 5000,
    }
    for number in range(30):
        yield Record(
            request_id=f"refused-{number}",
            started_at=_at(7, 3),
            api="chat",
            model="gemma-3-27b-it",
            **someone,
            **refused,
        )
    yield Record(request_id="unknown", started_at=_at(8, 3), api="chat", outcome="refused", status=401, duration_ms=1)
    embedded: dict[str, Any] = {"input_tokens": 900, "usage_source": "provider", "outcome": "ok", "status": 200}
    yield Record(
        request_id="embedding",
        started_at=_at(9, 3),
        api="embeddings",
        task="embedding",
        model="e5",
        duration_ms=40,
        **embedded,
    )
    for number, client in enumerate(("claude-code", "codex") * 20):
        yield Record(
            request_id=f"agent-{number}",
            started_at=_at(10, 4, number),
            api="messages",
            client=client,
            model="claude",
            user_email="aiko@example.com",
            team="agents & co",
            input_tokens=5000,
            output_tokens=10,
            cached_input_tokens=4800,
            cost_nano_usd=7_000_000,
            outcome="ok",
            status=200,
            queue_ms=2500,
            first_token_ms=3000,
            duration_ms=600_000,
        )
    # Two that run into the next month, one that only begins in it, one of the last evening of March in Japan.
    for name, moment in (
        ("late", _at(30, 14, 58)),
        ("later", _at(30, 14, 59)),
        ("may", _at(30, 15)),
        ("march", _at(1, 0) - 9 * 3600 * 10**6 - 1),
    ):
        yield Record(
            request_id=name,
            started_at=moment,
            api="chat",
            model="night",
            outcome="cancelled",
            status=499,
            duration_ms=300_000,
        )


@dataclass
class Known:
    ledger: Ledger
    records: list[Record]
    told: dict[str, Any]
    page: str


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    """A month of which half is shipped, and its report."""
    ledger = Ledger(tmp_path_factory.mktemp("report"), models=PRICED)
    every = sorted([*records(Month().scaled(0.03)), *_more()], key=lambda record: record.started_at)
    ledger.write(record for record in every if record.started_at < _at(15, 0))
    ledger.ship()
    ledger.write(record for record in every if record.started_at >= _at(15, 0))
    options = (*DAYS, *OWN, "--mark", "2025-04-18=training", "--compare", "openai:gpt-6-luna")
    told = ledger.json("usage", "report", *options, "-o", "april.html")
    within = [record for record in every if truth.clock(record).month == 4]
    assert len(every) - len(within) == 2
    return Known(ledger, within, told, (ledger.folder / "april.html").read_text())


def _same(told: Any, true: Any) -> None:
    """Equal, with floats to nine digits."""
    if isinstance(true, dict):
        assert told.keys() == true.keys()
        for name in true:
            _same(told[name], true[name])
    elif isinstance(true, list):
        assert len(told) == len(true)
        for each, other in zip(told, true, strict=True):
            _same(each, other)
    else:
        assert told == (pytest.approx(true, rel=1e-9) if isinstance(true, float) else true)


def test_the_page_holds_exactly_these_figures(known: Known) -> None:
    embedded = re.search(r'<script type="application/json" id="figures">(.*?)</script>', known.page, re.DOTALL)
    assert embedded
    assert json.loads(embedded[1]) == known.told


@pytest.mark.parametrize("name", ["kinds", "models", "requests_by_day", "tokens_by_day", "cache_by_day"])
def test_traffic(known: Known, name: str) -> None:
    _same(known.told[name], getattr(truth, name)(known.records))


def test_totals(known: Known) -> None:
    _same(known.told["totals"], truth.totals(known.records, FIRST, LAST))


def test_spread_over_people(known: Known) -> None:
    told = known.told["per_person"]
    assert [row["kind"] for row in told] == ["completion", "chat", "agent"]
    for row in told:
        _same(row, truth.spread(known.records, row["kind"], row["bin_width"]))
        assert row["most"] // row["bin_width"] < 20


@pytest.mark.parametrize(
    ("most", "width"), [(1, 1), (19, 1), (20, 2), (39, 2), (40, 5), (99, 5), (100, 10), (20_696, 2000)]
)
def test_bins_are_round_and_few(most: int, width: int) -> None:
    assert bin_width(most) == width


def test_an_hour_that_the_clock_shows_twice_is_no_burst(tmp_path: Path) -> None:
    """Summer time ends at 01:00 UTC: both requests are of 02:30 by the clock, an hour apart."""
    ledger = Ledger(tmp_path)
    for hour in (0, 1):
        moment = int(datetime(2025, 10, 26, hour, 30, tzinfo=UTC).timestamp() * 1e6)
        ledger.write([Record(request_id=f"r{hour}", started_at=moment, api="chat", model="m", outcome="ok")])
    berlin = ("--from", "2025-10-01", "--to", "2025-10-31", "--timezone", "Europe/Berlin")
    told = ledger.json("usage", "report", *berlin, "-o", "october.html")
    assert [(row["peak"], row["peak_at"]) for row in told["bursts"]] == [(1, "2025-10-26T02:30")] * 2


def test_people_of_several_teams_are_shown_with_the_latest(tmp_path: Path) -> None:
    """Whatever the order in which the files are read."""
    ledger = Ledger(tmp_path)
    teams = ["a", "b", "c", "d", "e", None] * 500
    made = [
        Record(request_id=f"r{n}", started_at=_at(3, 4) + n, api="chat", model="m", user_email="x@y", team=team)
        for n, team in enumerate(teams)
    ]
    ledger.write(made)
    told = [ledger.json("usage", "report", *DAYS, "-o", "april.html")["people"]["rows"] for _ in range(3)]
    assert [rows[0]["team"] for rows in told] == ["e"] * 3


def test_bursts(known: Known) -> None:
    _same(known.told["bursts"], [truth.bursts(known.records, seconds) for seconds in (6, 60)])


def test_running_at_the_same_time(known: Known) -> None:
    told = known.told["running"]
    running = truth.Running(known.records, FIRST, LAST)

    def working(moment: datetime) -> bool:
        return moment.weekday() < 5 and 9 <= moment.hour < 18

    peak_at = told["all"].pop("peak_at")
    _same(told["all"], running.figures())
    assert peak_at == min(moment for moment, _, level in running.pieces if level == told["all"]["peak"]).isoformat()
    _same(told["in_working_hours"], running.figures(working))
    for row in told["by_hour"]:
        hour = row["hour"]
        figures = running.figures(lambda moment, hour=hour: moment.weekday() < 5 and moment.hour == hour)  # type: ignore[misc]
        _same(row, {"hour": hour, **figures})
    assert [row["hour"] for row in told["by_hour"]] == list(range(24))
    models = truth.grouped((record for record in known.records if record.model), lambda record: record.model)
    assert {row["model"] for row in told["models"]} == models.keys()
    for row in told["models"]:
        alone = truth.Running(models[row["model"]], FIRST, LAST)
        busy = alone.figures(working)["busy_share"]
        _same(row, {"model": row["model"], **alone.figures(), "busy_share_in_working_hours": busy})


def test_latency(known: Known) -> None:
    answered = [record for record in known.records if record.outcome == "ok" and record.model]
    groups = truth.grouped(answered, lambda record: record.model)
    true = [
        {
            "model": model,
            "requests": len(those),
            **{
                f"{prefix}_{name}": truth.quantile((getattr(record, column) for record in those), share)
                for prefix, column in (("first_token", "first_token_ms"), ("total", "duration_ms"))
                for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))
            },
        }
        for model, those in sorted(groups.items(), key=lambda each: (-len(each[1]), each[0]))
    ]
    _same(known.told["latency"], true)


def test_failures(known: Known) -> None:
    failed = [record for record in known.records if record.outcome != "ok"]
    by_day = Counter((truth.day(record), record.outcome) for record in failed)
    rows = [{"day": day, "outcome": outcome, "requests": count} for (day, outcome), count in sorted(by_day.items())]
    assert known.told["failures"]["by_day"] == rows
    codes = Counter((record.outcome, record.error_code, record.status) for record in failed)
    told = {(row["outcome"], row["code"], row["status"]): row["requests"] for row in known.told["failures"]["codes"]}
    assert told == codes
    assert [row["requests"] for row in known.told["failures"]["codes"]] == sorted(codes.values(), reverse=True)


def test_cost_by_team_and_person(known: Known) -> None:
    shown = ("requests", "tokens", "cost_usd")
    teams = [{name: row[name] for name in ("team", *shown)} for row in known.told["teams"]]
    _same(teams, truth.cost_rows(known.records, "team", lambda record: record.team))
    people = truth.cost_rows([record for record in known.records if truth.person(record)], "person", truth.person)
    told = known.told["people"]
    _same([{name: row[name] for name in ("person", *shown)} for row in told["rows"]], people[:25])
    rest = people[25:]
    summed = {name: sum(row[name] for row in rest) for name in ("requests", "tokens", "cost_usd")}
    _same(told["others"], {"people": len(rest), **summed})


def test_the_same_month_elsewhere(known: Known) -> None:
    told, sums = known.told["elsewhere"], truth.sums(known.records)
    rows = {row["model"]: row for row in told["rows"]}
    own = 2880 * 1.5 + 2000 * 0.2 + 80
    plain = sums["input_tokens"] - sums["cached_input_tokens"] - 900
    cost = (plain * 0.2 + sums["cached_input_tokens"] * 0.05 + sums["output_tokens"] * 0.4 + 900 * 0.02) / 1e6
    embeddings = {"tokens": 900, "model": "text-embedding-3-small (openai)", "price": 0.02, "cost_usd": 900 * 0.02e-6}
    _same(told["embeddings"], embeddings)
    _same(rows["bargain"]["cost_usd"], cost)
    _same(rows["bargain"]["times"], own / cost)
    tokens = sums["input_tokens"] + sums["output_tokens"]
    assert told["tokens"] == tokens
    assert rows["bargain"]["break_even_tokens"] == round(tokens * own / cost)
    assert told["on_premises"]["total_usd"] == own
    mini = rows["gpt-6-luna (openai)"]
    assert mini["prices"] == {"input": 0.1, "cached_input": 0.01, "output": 0.5}, "the public list's price"
    assert len(rows) == 2, "the configured price, and what was asked for"


def test_a_page_needs_nothing_from_elsewhere(known: Known) -> None:
    assert "Content-Security-Policy" in known.page
    assert "default-src 'none'" in known.page
    loaded = re.findall(r"""(?:src|href)\s*=\s*["'][^"'#]|url\(|@import|<link|<iframe|<img""", known.page)
    assert not loaded
    assert set(re.findall(r"https?://[^\s\"'<]+", known.page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_what_people_see_is_what_was_counted(known: Known) -> None:
    text = re.sub(r"<script.*?</script>|<style.*?</style>", "", known.page, flags=re.DOTALL)
    for shown in (
        f"{len(known.records):,}",
        f"At most {known.told['bursts'][0]['peak']} (",
        f"At most {known.told['bursts'][1]['peak']} (",
        "agents &amp; co",
        "training",
        "budget_exceeded",
        "$4,800 for own machines",
    ):
        assert shown in text, shown


def test_hidden_names_are_nowhere_in_the_file(known: Known) -> None:
    known.ledger.run("usage", "report", *DAYS, "--hide-names", "-o", "hidden.html")
    page = (known.ledger.folder / "hidden.html").read_text().lower()
    personal = {
        value.lower()
        for record in known.records
        for value in (
            record.user_id,
            record.user_email,
            record.user_name,
            record.key_alias,
            record.key_id,
            record.chat_id,
        )
        if value and value != "open-webui"
    }
    assert len(personal) > 300
    assert not [value for value in personal if value in page]
    assert "#1" in page
    assert "person 0" not in page
    open_page = known.page.lower()
    assert len([value for value in personal if value in open_page]) >= 25, "without the option the dearest are named"


def test_what_others_wrote_is_only_text(tmp_path: Path) -> None:
    evil = '</script><script>alert("x")</script><b onmouseover=alert(1)>'
    ledger = Ledger(tmp_path)
    ledger.write(
        [
            Record(
                request_id="r",
                started_at=_at(5, 5),
                api="chat",
                model=evil,
                user_id=evil,
                team=evil,
                error_code=evil,
                outcome="error",
                status=502,
                input_tokens=5,
                cached_input_tokens=1,
                duration_ms=5,
                first_token_ms=1,
            )
        ]
    )
    ledger.run("usage", "report", *DAYS, "-o", "evil.html", "--mark", f"2025-04-05={evil}")
    page = (tmp_path / "evil.html").read_text()
    assert page.count("<script") == 2
    assert "<b onmouseover" not in page
    assert page.count("</script>") == 2


def _text(page: str) -> str:
    return re.sub(r"<script.*?</script>|<style.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)


def test_embeddings_are_apart_in_the_headline(known: Known) -> None:
    tiles = _text(known.page.partition("<section")[0])
    totals = known.told["totals"]
    tokens = totals["input_tokens"] + totals["output_tokens"] - 900
    assert Words().short(tokens) in tiles
    assert "1 of them embeddings" in tiles
    assert "and 900 embedded" in tiles


def test_what_runs_inside_is_not_elsewhere(known: Known) -> None:
    assert not [row for row in known.told["elsewhere"]["rows"] if row["model"].startswith("inside")]
    assert "900 of these are embeddings, priced as text-embedding-3-small (openai)" in _text(known.page)


def test_every_code_is_explained() -> None:
    assert CODES - SENTENCES.keys() == set()
    for code in SENTENCES:
        meanings = explained(code, "error", "en"), explained(code, "error", "ja")
        assert all(3 < len(each) < 90 and "{" not in each for each in meanings), meanings
        assert re.search("[\u3040-\u9fff]", meanings[1])
        assert "this code" not in meanings[0]
    assert explained("insufficient_quota", "refused", "ja") == "予算を使い切り"
    assert explained(None, "cancelled", "en") == "The client went away before the end"
    assert explained(None, "error", "en") == ""
    assert explained("their_own", "error", "en") == "The model's server gave this code"


def test_times_are_in_the_zone_of_the_report_down_to_the_footer(known: Known) -> None:
    page = page_of(known.told, Look(), datetime(2025, 5, 1, 20, 30, tzinfo=UTC))
    assert "Written by Sekisho on 2025-05-02 05:30 (Asia/Tokyo)." in page


@pytest.mark.parametrize(("language", "words"), [("en", "No data"), ("ja", "データなし")])
def test_charts_without_data_say_so(tmp_path: Path, language: str, words: str) -> None:
    """One request that was refused: no tokens, nothing that ran, no wait, nobody."""
    ledger = Ledger(tmp_path)
    ledger.write([Record(request_id="r", started_at=_at(5, 5), api="chat", outcome="refused", status=429)])
    ledger.run("usage", "report", *DAYS, "-o", "one.html", "--lang", language)
    page = (tmp_path / "one.html").read_text()
    assert _text(page).count(words) == 7
    assert page.count("<svg") == 4, "requests by day, two bursts, and what did not go well"


def test_a_month_without_requests(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    told = ledger.json("usage", "report", *DAYS, "-o", "empty.html")
    assert told["totals"]["requests"] == 0
    assert "No requests in this time." in (tmp_path / "empty.html").read_text()


def test_days_without_working_hours(tmp_path: Path) -> None:
    """A Saturday, on which somebody worked."""
    ledger = Ledger(tmp_path)
    at = int(datetime(2025, 4, 5, 3, tzinfo=UTC).timestamp()) * 10**6
    ledger.write([Record(request_id="a", started_at=at, api="chat", outcome="ok", model="m", duration_ms=5)])
    ledger.run("usage", "report", "--from", "2025-04-05", "--to", "2025-04-05", "-o", "saturday.html")


def test_a_month_of_one_request_that_was_refused(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.write([Record(request_id="r", started_at=_at(5, 5), api="chat", outcome="refused", status=429)])
    told = ledger.json("usage", "report", *DAYS, "-o", "one.html", "--lang", "ja")
    assert (told["totals"]["refused"], told["running"]["all"]["peak"], told["latency"]) == (1, 0, [])
    assert "同じ利用を外部で行った場合" in (tmp_path / "one.html").read_text()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--mark", "2025-04-31=x"), "mark"),
        (("--working-hours", "18-9"), "working-hours"),
        (("--currency", "JPY"), "per-usd"),
        (("--currency", "yen", "--per-usd", "150"), "currency"),
        (("--compare", "openai:no-such-model"), "compare"),
        (("--from", "2025-05-01"), "to:"),
    ],
)
def test_wrong_use_is_told(tmp_path: Path, options: tuple[str, ...], problem: str) -> None:
    done = Ledger(tmp_path).call("usage", "report", *DAYS, "-o", "never.html", *options)
    assert done.returncode == 2
    assert problem in done.stderr
    assert not (tmp_path / "never.html").exists()


def test_both_languages_say_the_same_things() -> None:
    english, japanese = TEXTS["en"], TEXTS["ja"]
    assert english.keys() == japanese.keys()
    for name in english:
        places = [
            set(re.findall(r"\{(\w+)\}", text[name])) - {"short", "weekday", "name", "month"}
            for text in (english, japanese)
        ]
        assert places[0] == places[1], name


def test_amounts_in_another_currency(known: Known) -> None:
    known.ledger.run(
        "usage", "report", *DAYS, *OWN, "--currency", "JPY", "--per-usd", "150", "--lang", "ja", "-o", "yen.html"
    )
    assert "自社設備は ¥720,000" in (known.ledger.folder / "yen.html").read_text()
