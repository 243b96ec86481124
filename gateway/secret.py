"""A value that cannot be printed. Standard library only: the installer uses it too."""

import hmac
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from pydantic_core import CoreSchema


_TEMPLATE = re.compile(
    r"<.*>|\$\{[^}]*\}?|\$\w+|%\w+%|\{\{.*\}\}"
    r"|(sk-|bearer )?(x{3,}|\*{3,}|\.{2,}|…+|-{3,}|_{3,}|#{3,})|sk-"
    r"|.*change[-_ ]?(me|it|this).*|.*replace[-_ ]?(me|this|with).*"
    r"|(.*[^a-z])?(your|insert|enter|put)[-_ ]?(an?[-_ ]|the[-_ ]|my[-_ ]|your[-_ ])?(\w+[-_ ])?"
    r"(secret|key|token|password).*"
    r"|todo|tbd|fixme|placeholder",
    re.IGNORECASE | re.DOTALL,
)
"""Values that stand in examples and templates in place of a secret."""


def weakness(value: str, least: int = 1) -> str | None:
    """Return why a text cannot serve as a secret of at least `least` characters, or None. Never quotes the text."""
    if not value.strip():
        return "is empty; give it a value"
    if value != value.strip() or not value.isprintable():
        return "begins or ends with a space, or has a line break or control character; remove it"
    if _TEMPLATE.fullmatch(value):
        return "is a placeholder; put the real value in its place"
    if len(value) < least:
        return f"is too short: at least {least} characters, such as those of `openssl rand -hex 32`"
    return None


def at_least(characters: int) -> "Callable[[Secret], Secret]":
    """Return a pydantic validator that refuses a shorter secret."""

    def check(secret: Secret) -> Secret:
        if reason := weakness(secret.reveal(), characters):
            raise ValueError(reason)
        return secret

    return check


class Secret:
    """Holds a key or a password; only `reveal()` gives it back.

    `str`, `repr`, `format` and every serializer show `***`. Pickling raises, so that a
    secret cannot leave the process by accident.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def matches(self, presented: str) -> bool:
        """Return whether `presented` is this secret, in constant time. An empty secret matches nothing."""
        expected = self._value.encode(errors="surrogatepass")
        return bool(expected) and hmac.compare_digest(presented.encode(errors="surrogatepass"), expected)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled or copied out of the process")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> "CoreSchema":
        from pydantic_core import core_schema

        def checked(text: str) -> Secret:
            return at_least(1)(cls(text))

        return core_schema.no_info_after_validator_function(
            checked,
            core_schema.str_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(repr),
        )
