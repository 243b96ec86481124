"""When the models of deployments end, what follows them, and how answers tell it.

Headers: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and ours with the successor.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime

import msgspec

from gateway.config.models import Deployment, Model
from gateway.config.schema import Config
from gateway.profiles.known import Life, known_of, same_model

NEAR = timedelta(days=90)
"""So long before its end a model is warned of."""


def life_of(model: Model, deployment: Deployment, config: Config) -> Life | None:
    """Return when a deployment's model ends: as the configuration says, else as the model table does; None = unknown.

    The successor is named as the configuration names it, where it has it.
    """
    found = known_of(deployment.provider, deployment.known_model).life
    if model.end_of_life is not None:
        follows = found.successor if found else None
        found = Life(ends=model.end_of_life, successor=follows, source="the configuration")
    if found is None:
        return None
    successor = model.successor or _in(config, found.successor, model)
    return msgspec.structs.replace(found, successor=successor)


def _in(config: Config, successor: str | None, model: Model) -> str | None:
    """Return the configuration's name of a vendor's model, or the vendor's own."""
    for other in config.models if successor else ():
        if other is not model and any(same_model(each.known_model, successor or "") for each in other.deployments):
            return other.name
    return successor


def last(lives: Sequence[Life | None]) -> Life | None:
    """Return the end of a model with several deployments: that of the last one; None where one has none."""
    known = [life for life in lives if life is not None]
    return max(known, key=lambda life: life.ends) if known and len(known) == len(lives) else None


def today() -> date:
    return datetime.now(UTC).date()


def has_ended(life: Life | None) -> bool:
    """Return whether the day of a model's end has come."""
    return life is not None and life.ends <= today()


def is_announced(life: Life | None) -> bool:
    """Return whether callers are told of an end: one that its source is sure of, or one that is near."""
    return life is not None and (life.certain or life.ends - today() <= NEAR)


def deprecated_on(life: Life) -> date:
    """Return the day of the announcement, or the one on which it was known at the latest."""
    return min(life.deprecated or life.looked_up or life.ends, life.ends)


def ending_headers(life: Life | None) -> Iterable[tuple[bytes, bytes]]:
    """Yield the headers that tell a model's end, as far as it is announced."""
    if life is None or not is_announced(life):
        return
    yield b"deprecation", b"@%d" % _moment(deprecated_on(life)).timestamp()
    yield b"sunset", format_datetime(_moment(life.ends), usegmt=True).encode()
    if life.successor:
        yield b"x-sekisho-successor", life.successor.encode()


def _moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
