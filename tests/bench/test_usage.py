"""The measurements of questions and of the report, small: that they measure the right thing, not how fast it is."""

from pathlib import Path

from tests.bench import usage_report, usage_rows
from tests.bench.month import Month


def test_measures_questions(tmp_path: Path) -> None:
    config = usage_rows.generate(tmp_path, 12 * 2000, Month().scaled(0.004))
    took = usage_rows.ask(config, "user,model")
    assert abs(took.rows - 24_000) < 500
    assert took.cpu_seconds > 0
    assert took.bytes < usage_rows.MOST_BYTES


def test_measures_the_report(tmp_path: Path) -> None:
    month = Month().scaled(0.004)
    took = usage_report.report(usage_report.prepare(tmp_path, month))
    assert took["requests"] == month.requests
    assert took["page_bytes"] > 50_000
    assert took["bytes"] < usage_rows.MOST_BYTES
