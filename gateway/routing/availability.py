"""When a model is served."""

from datetime import UTC, datetime

from gateway.config.models import ALWAYS, Model
from gateway.errors import NotFound


def is_always_available(model: Model) -> bool:
    """Return whether a model has no time before or after which it is not served."""
    return model.available is ALWAYS


def is_available(model: Model, now: datetime | None = None) -> bool:
    """Return whether a model is served at a moment."""
    if is_always_available(model):
        return True
    now = now or datetime.now(UTC)
    begins, ends = model.available.from_, model.available.until
    return (begins is None or begins <= now) and (ends is None or now < ends)


def check_time(model: Model) -> None:
    """Raise `NotFound` for a model that is not served now, with when it is."""
    if is_available(model):
        return
    begins, ends = model.available.from_, model.available.until
    when = f"from {begins:%Y-%m-%d %H:%M} UTC" if begins and begins > datetime.now(UTC) else ""
    when = when or f"until {ends:%Y-%m-%d %H:%M} UTC"
    successor = model.successor if when.startswith("until") else None
    instead = f"Use '{successor}' instead." if successor else "See GET /v1/models for what is served now."
    error = NotFound(
        f"The model '{model.name}' is served only {when}. {instead}", code="model_not_available", param="model"
    )
    error.successor = successor
    raise error
