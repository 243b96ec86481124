"""A month of a company with its own GPUs, as its published figures say: seeded, so that everybody gets the same one.

385,000 requests of April 2025: 365,000 code completions of 116 people (225 M tokens of Qwen2.5-Coder-32B), 20,000
chats of 109 people (104 M tokens of gemma-3-27b-it); working days in Japan; chats double after the training on the
18th; completions come in bursts while somebody types.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from gateway.ledger.lines import to_line
from gateway.ledger.record import Record
from gateway.ledger.segments import CLOSED, folder

CODER, GEMMA = "Qwen2.5-Coder-32B", "gemma-3-27b-it"
COMPLETION_USERS, CHAT_USERS = 116, 109
TRAINING = date(2025, 4, 18)
_TEAMS = ("platform", "product", "research", "sales", "support")
_PRICE = {CODER: (180, 180), GEMMA: (90, 160)}
"""Nano-USD for a token of input and of output."""


@dataclass(frozen=True)
class Month:
    """What the month holds in all; its requests come from `records`."""

    completions: int = 365_000
    chats: int = 20_000
    tokens: dict[str, int] = field(default_factory=lambda: {CODER: 225_000_000, GEMMA: 104_000_000})
    first: date = date(2025, 4, 1)
    days: int = 30
    seed: int = 2025

    @property
    def requests(self) -> int:
        return self.completions + self.chats

    def scaled(self, factor: float) -> "Month":
        """The same month with fewer or more requests."""
        tokens = {model: round(count * factor) for model, count in self.tokens.items()}
        return Month(
            round(self.completions * factor), round(self.chats * factor), tokens, self.first, self.days, self.seed
        )


def records(month: Month = Month()) -> Iterator[Record]:
    """Every request of the month, by its arrival."""
    random = Random(month.seed)
    arrivals = [(at, CODER, user) for at, user in _completions(month, random)]
    arrivals += [(at, GEMMA, user) for at, user in _chats(month, random)]
    arrivals.sort()
    sizes = {
        CODER: _sizes(random, month.completions, month.tokens[CODER]),
        GEMMA: _sizes(random, month.chats, month.tokens[GEMMA]),
    }
    for at, model, user in arrivals:
        yield _record(random, at, model, user, sizes[model].pop())


def write_segments(data_dir: Path, source: Iterable[Record], segment_seconds: int = 3600) -> int:
    """Closed segments as a gateway leaves them, one an hour with traffic; gives how many."""
    directory = folder(data_dir)
    directory.mkdir(parents=True, exist_ok=True)
    opened, count, lines = -1, 0, bytearray()
    for record in source:
        hour = record.started_at // (segment_seconds * 10**6)
        if hour != opened and lines:
            _write(directory, opened * segment_seconds, lines)
            count += 1
        opened = hour
        lines += to_line(record)
    if lines:
        _write(directory, opened * segment_seconds, lines)
    return count + bool(lines)


def _write(directory: Path, opened: int, lines: bytearray) -> None:
    name = f"{datetime.fromtimestamp(opened, UTC):%Y%m%dT%H%M%S}-1-{opened & 0xFFFFFFFF:08x}{CLOSED}"
    (directory / name).write_bytes(lines)
    lines.clear()


def _working_days(month: Month) -> list[date]:
    days = [month.first + timedelta(days=number) for number in range(month.days)]
    return [day for day in days if day.weekday() < 5]


def _moment(random: Random, day: date) -> int:
    """A microsecond of a working day in Japan, with the lull at noon."""
    while True:
        hour = random.gauss(14.5, 2.7)
        if 8 <= hour < 22 and not (12 <= hour < 13 and random.random() < 0.7):
            break
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=9)
    return int((midnight.timestamp() + hour * 3600) * 1e6)


def _completions(month: Month, random: Random) -> Iterator[tuple[int, int]]:
    """Bursts of a few requests, a third of a second apart, by people of whom none stands out too far."""
    weights = [random.lognormvariate(0, 0.7) for _ in range(COMPLETION_USERS)]
    days = _working_days(month)
    left = month.completions
    for user in range(COMPLETION_USERS):  # everybody at least once
        if left:
            yield _moment(random, random.choice(days)), user
            left -= 1
    while left:
        user = random.choices(range(COMPLETION_USERS), weights)[0]
        at = _moment(random, random.choice(days))
        for _ in range(min(left, 1 + int(random.expovariate(1 / 6)))):
            yield at, user
            left -= 1
            at += int(random.expovariate(1 / 0.35) * 1e6) + 50_000


def _chats(month: Month, random: Random) -> Iterator[tuple[int, int]]:
    days = _working_days(month)
    weights = [2.0 if day >= TRAINING else 1.0 for day in days]
    users = [random.lognormvariate(0, 1.0) for _ in range(CHAT_USERS)]
    for number in range(month.chats):
        user = number if number < CHAT_USERS else random.choices(range(CHAT_USERS), users)[0]
        yield _moment(random, random.choices(days, weights)[0]), COMPLETION_USERS // 2 + user


def _sizes(random: Random, count: int, total: int) -> list[int]:
    """Tokens of each request, whose sum is `total` to the token."""
    weights = [random.lognormvariate(0, 0.6) for _ in range(count)]
    scale = (total - 2 * count) / sum(weights)
    sizes = [2 + int(weight * scale) for weight in weights]
    for number in range(total - sum(sizes)):
        sizes[number % count] += 1
    return sizes


def _record(random: Random, at: int, model: str, user: int, tokens: int) -> Record:
    coding = model == CODER
    answer = max(1, int(tokens * (0.04 if coding else 0.1) * random.uniform(0.3, 1.7)))
    drawn = random.random()
    outcome, status = ("ok", 200) if drawn < 0.97 else ("cancelled", 499) if drawn < 0.99 else ("error", 502)
    price = _PRICE[model]
    first = int(random.lognormvariate(4.2 if coding else 5.8, 0.4))
    return Record(
        request_id=random.randbytes(16).hex(),
        started_at=at,
        api="completions" if coding else "chat",
        task="completion" if coding else random.choices(("chat", "title_generation", "tags_generation"), (8, 1, 1))[0],
        stream=not coding or random.random() < 0.9,
        model=model,
        provider="vllm",
        upstream_model=f"Qwen/{model}-Instruct" if coding else f"google/{model}",
        deployment=f"{model}/{random.randrange(2)}",
        status=status,
        outcome=outcome,  # type: ignore[arg-type]
        error_code="upstream_error" if outcome == "error" else None,
        key_id=f"key{user:04}" if coding else "key-open-webui",
        key_alias=f"laptop-{user:03}" if coding else "open-webui",
        team=_TEAMS[user % len(_TEAMS)],
        user_id=f"user{user:03}@example.com" if coding else str(uuid.UUID(int=user + 2**120)),
        user_email=f"user{user:03}@example.com",
        user_name=f"Person {user:03} 山田",
        user_role=None if coding else "user",
        identity_source="key" if coding else "jwt",
        chat_id=None if coding else str(uuid.UUID(bytes=random.randbytes(16))),
        message_id=None if coding else str(uuid.UUID(bytes=random.randbytes(16))),
        client=random.choices(("continue", "cline", "other"), (7, 2, 1))[0] if coding else "open-webui",
        client_ip=f"10.0.{user // 200}.{user % 200 + 1}",
        input_tokens=tokens - answer,
        output_tokens=answer,
        cached_input_tokens=int((tokens - answer) * random.choice((0, 0, 0.5, 0.9))),
        usage_source="provider",
        cost_nano_usd=(tokens - answer) * price[0] + answer * price[1],
        price_id=f"config:{model}",
        queue_ms=0 if random.random() < 0.9 else int(random.expovariate(1 / 40)),
        first_token_ms=first,
        duration_ms=first + int(answer * random.uniform(10, 20)),
        attempts=1,
    )
