"""Sums by the hour tell exactly what the records tell, whatever was shipped, joined or forgotten meanwhile."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.config.schema import Config
from gateway.ledger.lines import to_line
from gateway.ledger.record import LARGEST_COST, LARGEST_COUNT, Record
from gateway.ledger.segments import OPEN, folder
from gateway.ledger.sums import sums_folder
from gateway.maintenance.compaction import compact
from gateway.maintenance.forget import forget
from gateway.maintenance.shipping import ship
from gateway.reports import rollup
from gateway.reports.connection import ask
from gateway.reports.cube import Cube
from gateway.reports.dimensions import DIMENSIONS
from gateway.reports.rollup import keep_sums, units
from gateway.reports.span import span_of
from gateway.reports.summary import Question, summary
from tests.bench.month import Month, records, write_segments
from tests.ledger.ask import configured

APRIL = ("2025-03-31", "2025-05-01")
QUESTIONS: tuple[tuple[str, dict[str, list[str]], str], ...] = (
    ("user,day,month,identity,client_ip", {}, "Asia/Tokyo"),
    ("hour,model,kind", {"user": ["USER001@example.com", "user002@example.com"]}, "America/New_York"),
    ("week,key,team,status,error,price", {"outcome": ["ok", "error"]}, "UTC"),
    ("hour_of_day,weekday,provider,upstream_model,deployment,task,api", {"kind": ["task", "chat"]}, "Asia/Tokyo"),
    ("", {"user": []}, "UTC"),
    ("name,role", {"model": ["'; DROP TABLE fresh; --"]}, "UTC"),
    ("", {}, "UTC"),
)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = configured(tmp_path)
    write_segments(config.data_dir, records(Month().scaled(0.004)), segment_seconds=86_400)
    return config


@pytest.fixture
def cube(config: Config) -> Iterator[Cube]:
    made = Cube(config)
    yield made
    made.close()


def questions() -> Iterator[Question]:
    for by, only, zone in QUESTIONS:
        names = tuple(name for name in by.split(",") if name)
        yield Question(span_of(*APRIL, zone), names, only, details=zone == "UTC")


def check(config: Config, cube: Cube) -> None:
    """Compare every question; one reading of the records answers all."""

    def expected(connection: Any) -> list[dict[str, Any]]:
        return [summary(connection, question) for question in questions()]

    cube.refresh()
    wanted = ask(config, None, expected)
    assert wanted[-1]["total"]["requests"]
    for question, answer in zip(questions(), wanted, strict=True):
        assert rollup.answers(question)
        assert cube.answer(question) == answer, question


def test_the_sums_are_exact_through_everything_that_happens_to_a_ledger(config: Config, cube: Cube) -> None:
    ship(config)
    check(config, cube)
    assert len(list(sums_folder(config.data_dir).glob("2025-04.*.parquet"))) == 1

    write_segments(config.data_dir, _more("late"), segment_seconds=3599)
    check(config, cube)
    ship(config)
    keep_sums(config)
    assert len(list(sums_folder(config.data_dir).iterdir())) == 1, "sums of other files are deleted"
    compact(config)
    check(config, cube)

    forget(config, "user001@example.com")
    assert not any(b"user001" in path.read_bytes() for path in sums_folder(config.data_dir).glob("*"))
    check(config, cube)
    assert not any(b"user001" in path.read_bytes() for path in sums_folder(config.data_dir).glob("*"))


def _more(name: str) -> list[Record]:
    random, began = Random(name), int(datetime(2025, 4, 7, tzinfo=UTC).timestamp())
    return [
        Record(
            request_id=f"{name}{number}",
            started_at=(began + random.randrange(86_400)) * 10**6,
            api="chat",
            model="m",
            user_email=random.choice(("user001@example.com", "User001@Example.com", "", None)),
            user_id=random.choice(("u-1", None)),
            key_id="k",
            input_tokens=random.choice((None, 0, 5, LARGEST_COUNT)),
            cost_nano_usd=random.choice((None, 0, 7, LARGEST_COST)),
            first_token_ms=random.choice((None, 0, 100, 101, 10**7)),
        )
        for number in range(200)
    ]


def test_records_that_are_being_written_are_taken_up(config: Config, cube: Cube) -> None:
    check(config, cube)
    lines = [to_line(record) for record in _more("open")]
    path = folder(config.data_dir) / f"20250407T000000-1-00000000{OPEN}"

    for end in (50, 200):
        path.write_bytes(b"".join(lines[:end]))
        check(config, cube)
    path.write_bytes(path.read_bytes() + lines[0][:70])
    check(config, cube)
    path.rename(path.with_suffix(".jsonl"))
    check(config, cube)


def test_an_empty_ledger_answers(tmp_path: Path) -> None:
    cube = Cube(configured(tmp_path))
    cube.refresh()
    answer = cube.answer(Question(span_of(*APRIL), ("user",)))
    cube.close()

    assert (answer["total"]["requests"], answer["rows"]) == (0, [])


def test_sums_that_somebody_deleted_or_broke_are_made_again(config: Config, cube: Cube) -> None:
    ship(config)
    check(config, cube)
    (file,) = sums_folder(config.data_dir).iterdir()
    file.unlink()
    check(config, cube)
    assert file.exists()


@pytest.mark.parametrize(
    ("by", "zone", "told"),
    [("chat", "UTC", False), ("user,chat", "UTC", False), ("day", "Asia/Kolkata", False), ("day", "Asia/Tokyo", True)],
)
def test_what_hours_cannot_tell_is_asked_of_the_records(by: str, zone: str, told: bool) -> None:
    assert rollup.answers(Question(span_of(*APRIL, zone), tuple(by.split(",")))) is told


def test_every_dimension_but_the_chat_is_in_the_sums() -> None:
    spoken = " ".join(sql for name, sql in DIMENSIONS.items() if name != "chat")
    assert all(name in spoken or name in ("user_email", "user_id") for name in rollup.COLUMNS)
    assert all(rollup.answers(Question(span_of(*APRIL), (name,))) for name in DIMENSIONS if name != "chat")


def test_the_last_two_months_are_kept_by_the_day(config: Config) -> None:
    from gateway.ledger.store import Item

    days = ("2026-02-28", "2026-03-01", "2026-04-30", "2026-05-01")
    items = [Item(f"dt={day}/hour=05/{day}.parquet", 1) for day in days]
    items.append(Item("repriced/20260501/dt=2026-02-01/hour=05/x.parquet", 1))
    made = units(items, datetime(2026, 5, 2, tzinfo=UTC).date())
    assert [unit.name for unit in made] == ["2026-02", "2026-03", "2026-04-30", "2026-05-01"]
    assert len(made[0].items) == 2
