"""The bench's own arithmetic and parsing: a wrong figure would be believed."""

import json
import subprocess
import sys

import pytest

from tests.bench import figures, load, peers, report
from tests.bench.answers import ANSWER, STAMP, USAGE_CHUNK, chunk_with
from tests.bench.bench import Results
from tests.bench.figures import Figure, Rule, judge
from tests.bench.measure import cpu_seconds, growth, percentile, resident_mib, tree
from tests.bench.running import QUICK
from tests.bench.streams import request
from tests.bench.upstream import framed

WRK = """Running 1s test @ http://127.0.0.1:1/v1/chat/completions
  1 threads and 32 connections
Requests/sec:  20020.1
BENCH {"requests": 20500, "micros": 1025000, "refused": 3, "broken": 0, "p50": 900, "p99": 4100}
"""


def test_the_numbers_of_wrk() -> None:
    found = load.parse(WRK)
    assert found == load.Load(requests=20500, seconds=1.025, refused=3, broken=0, p50=900, p99=4100)
    assert round(found.per_second) == 20000
    assert load.parse("unable to connect to 127.0.0.1:1 Connection refused") is None


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1, 100), (0, 1)])
def test_percentiles(share: float, value: float) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value


def test_one_value_is_every_percentile() -> None:
    assert percentile([7.5], 0.99) == 7.5


def test_growth_looks_past_the_warm_up() -> None:
    assert growth([10, 40, 80, 90] + [100] * 10 + [103] * 2) == pytest.approx(0.03)


LESS = Figure("less", "less is better", "µs")
MORE = Figure("more", "more is better", "requests/s", more_is_better=True)


@pytest.mark.parametrize(
    ("figure", "rule", "ours", "theirs", "ratio", "reached"),
    [
        (LESS, Rule("within", 4, "nginx"), 40, 10, 4, True),
        (LESS, Rule("within", 4, "nginx"), 41, 10, 4.1, False),
        (LESS, Rule("better", 12, "litellm"), 50, 600, 12, True),
        (LESS, Rule("better", 12, "litellm"), 60, 600, 10, False),
        (MORE, Rule("better", 50, "litellm"), 5000, 100, 50, True),
        (MORE, Rule("better", 50, "litellm"), 4000, 100, 40, False),
        (LESS, Rule("at most", 120), 119, None, None, True),
        (LESS, Rule("at most", 0), 0, None, None, True),
        (LESS, Rule("within", 4, "nginx"), 40, None, None, None),
        (LESS, Rule("at most", 120), None, None, None, None),
    ],
)
def test_rules(
    figure: Figure, rule: Rule, ours: float | None, theirs: float | None, ratio: float | None, reached: bool | None
) -> None:
    found = judge(figure, rule, ours, theirs)
    assert found.reached is reached
    assert found.ratio == (pytest.approx(ratio) if ratio else None)


def test_every_rule_names_a_peer_that_is_measured() -> None:
    rows = [figure for measurement in figures.MEASUREMENTS for figure in measurement.figures]
    named = {rule.peer for figure in rows for rule in figure.rules} - {""}
    assert named <= set(peers.NAMES)
    assert len({figure.name for figure in rows}) == len(rows)


def _results() -> Results:
    values = {"nginx": {"cpu_per_request": 20.0}, peers.OURS: {"cpu_per_request": 150.0, "resident": 130.0}}
    return Results(
        "2026-11-21 12:00 UTC", "2 × Some CPU", "somewhere", QUICK, 0.04, values, ["litellm: it ended with 1"]
    )


def test_the_table_tells_ratios_verdicts_and_who_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    report.show(_results(), width=160)
    shown = capsys.readouterr().out
    for part in (
        "2 × Some CPU",
        "2026-11-21",
        "4%",
        "≤ 8 × nginx",
        "7.5 ×",
        "yes",
        "≤ 120 MiB",
        "no",
        "it ended with 1",
    ):
        assert part in shown
    assert "litellm" in shown.splitlines()[2], "a peer that failed keeps its column"


def test_the_json_holds_values_and_verdicts() -> None:
    found = json.loads(report.as_json(_results()))
    assert found["values"]["nginx"] == {"cpu_per_request": 20.0}
    assert found["verdicts"]["cpu_per_request"][0]["reached"] is True
    assert found["verdicts"]["resident"][0]["reached"] is False


def test_what_the_upstream_says_is_json_with_its_moment() -> None:
    assert json.loads(ANSWER)["object"] == "chat.completion"
    assert json.loads(USAGE_CHUNK.removeprefix(b"data: "))["choices"] == []
    chunk = chunk_with(1234567)
    assert json.loads(chunk.removeprefix(b"data: "))["choices"][0]["delta"] == {"content": "t=1234567"}
    assert STAMP.findall(chunk) == [b"1234567"]
    assert framed(b"x" * 17) == b"11\r\n" + b"x" * 17 + b"\r\n"


def test_a_request_goes_over_the_wire_as_it_is() -> None:
    sent = request("/v1/x", {"authorization": "Bearer k"}, b"{}")
    assert sent == (
        b"POST /v1/x HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 2\r\nconnection: close\r\n"
        b"authorization: Bearer k\r\n\r\n{}"
    )


def test_readings_include_children() -> None:
    nested = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    parent = subprocess.Popen([sys.executable, "-c", nested], stdin=subprocess.PIPE)
    assert parent.stdin
    with parent:
        while len(tree([parent.pid])) < 2:
            assert parent.poll() is None
        assert resident_mib([parent.pid]) > 1
        assert cpu_seconds([parent.pid]) >= 0
        parent.stdin.write(b"\n")
    assert tree([parent.pid]) == []
