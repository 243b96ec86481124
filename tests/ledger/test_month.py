"""The generated month is what it says; questions and reports are held against it."""

from collections import Counter

from tests.bench.month import CHAT_USERS, CODER, COMPLETION_USERS, GEMMA, TRAINING, Month, records

MONTH = Month().scaled(0.02)


def test_the_published_figures() -> None:
    whole = Month()
    assert (whole.requests, whole.completions, whole.chats) == (385_000, 365_000, 20_000)
    assert whole.tokens == {CODER: 225_000_000, GEMMA: 104_000_000}


def test_counts_and_sums_are_exact() -> None:
    made = list(records(MONTH))
    assert len({record.request_id for record in made}) == len(made) == MONTH.requests
    assert Counter(record.model for record in made) == {CODER: MONTH.completions, GEMMA: MONTH.chats}
    tokens: Counter[str | None] = Counter()
    people: dict[str | None, set[str | None]] = {CODER: set(), GEMMA: set()}
    for record in made:
        assert record.input_tokens is not None
        assert record.output_tokens is not None
        tokens[record.model] += record.input_tokens + record.output_tokens
        people[record.model].add(record.user_email)
    assert tokens == MONTH.tokens
    assert {model: len(found) for model, found in people.items()} == {CODER: COMPLETION_USERS, GEMMA: CHAT_USERS}


def test_everybody_gets_the_same_month_by_arrival() -> None:
    made = list(records(MONTH))
    assert made == list(records(MONTH))
    assert [record.started_at for record in made] == sorted(record.started_at for record in made)


def test_chats_double_after_the_training() -> None:
    by_day = Counter(record.started_at // (86400 * 10**6) for record in records(MONTH) if record.model == GEMMA)
    began = TRAINING.toordinal() - 719_163
    before = [count for day, count in by_day.items() if day < began]
    after = [count for day, count in by_day.items() if day >= began]
    assert 1.5 < (sum(after) / len(after)) / (sum(before) / len(before)) < 2.7
