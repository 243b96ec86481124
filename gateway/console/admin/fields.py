"""What an administrator types into a form, as the routes take it; a field that cannot be is named."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from gateway.console.refusals import words_of
from gateway.console.visit import Visit
from gateway.errors import ApiError, InvalidRequest

_FIELD_OF = {"scope": "who", "nano_usd": "usd", "budget_nano_usd": "budget", "window": "per", "budget_window": "per"}
_MOST_USD = 10**9
_FIRST_YEAR, _LAST_YEAR = 1970, 9998


class Wrong(InvalidRequest):
    """A field holds what cannot be."""

    def __init__(self, field: str) -> None:
        super().__init__(f"The field '{field}' holds what cannot be.", param=field)


def text(value: str) -> str | None:
    return value or None


def texts(value: str) -> list[str] | None:
    """Return a list that is typed with commas or spaces."""
    return [each for part in value.split(",") for each in part.split()] or None


def whole(value: str) -> int | None:
    """Return a whole number. Raises `ValueError`."""
    if not value:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise ValueError(value)
    return int(value)


def nano(value: str) -> int | None:
    """Return USD as nano-USD. Raises `ValueError`."""
    if not value:
        return None
    try:
        amount = Decimal(value.removeprefix("$").replace(",", ""))
    except InvalidOperation:
        raise ValueError(value) from None
    if not amount.is_finite() or not 0 <= amount <= _MOST_USD or amount * 10**9 % 1:
        raise ValueError(value)
    return int(amount * 10**9)


def moment(value: str) -> int | None:
    """Return the beginning of a day (UTC) in microseconds. Raises `ValueError`."""
    if not value:
        return None
    day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError(value)
    return round(day.timestamp() * 1e6)


def coming(value: str) -> int | None:
    """Return the beginning of a day (UTC) that lies ahead, in microseconds. Raises `ValueError`."""
    at = moment(value)
    if at is not None and at <= time.time() * 1e6:
        raise ValueError(value)
    return at


def needed(value: str) -> str:
    """Return a text that may not be empty. Raises `ValueError`."""
    if not value:
        raise ValueError(value)
    return value


def converted(typed: Mapping[str, str], table: Mapping[str, tuple[str, Callable[[str], Any]]]) -> dict[str, Any]:
    """Return the body of a request; `table` has by field its name there and what it is read by. Raises `Wrong`."""
    body = {}
    for field, (name, read) in table.items():
        try:
            body[name] = read(typed.get(field, ""))
        except (ValueError, OverflowError):
            raise Wrong(field) from None
    return body


def problem_of(visit: Visit, error: ApiError, fields: Mapping[str, Any]) -> tuple[dict[str, str], str | None]:
    """Return what is wrong with which field, and what is wrong with none of them."""
    named = error.param or error.message.partition(":")[0].strip()
    field = _FIELD_OF.get(named, named)
    if "alias" in error.message and "exists" in error.message:
        return {"alias": visit.t("admin.alias_taken")}, None
    if field in fields:
        return {field: visit.t(f"admin.wrong.{field}")}, None
    return {}, words_of(error, visit.language)
