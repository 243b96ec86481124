"""Parts of several answers, and that of a failure."""

from typing import Annotated

from msgspec import Meta, Struct

Micros = Annotated[int, Meta(description="UTC, in microseconds since 1970.")]
Cell = str | int | float | bool | None
Row = dict[str, Cell]


class ErrorObject(Struct):
    """What went wrong."""

    message: str
    """For people; it names the remedy."""
    type: str
    """The class of error, in OpenAI's words."""
    param: str | None
    """The field at fault."""
    code: str | None
    """For programs."""


class Error(Struct):
    """The answer to a request that failed."""

    error: ErrorObject
