"""Answers of `/v1/me/tool-servers`."""

import msgspec


class Account(msgspec.Struct):
    """A tool server at which people sign in, and whether the person has. Times are UTC microseconds."""

    server: str
    title: str
    signed_in: bool
    issuer: str | None
    """Where the person signed in."""
    scopes: tuple[str, ...]
    """What the person granted."""
    since: int | None
    sign_in_url: str


class AccountList(msgspec.Struct):
    """The tool servers at which one can sign in."""

    data: list[Account]


class SignedOut(msgspec.Struct):
    """A sign-in that has ended. `was_signed_in`: False where there was none."""

    server: str
    was_signed_in: bool
