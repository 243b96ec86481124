"""A session: who is signed in, how, and what they may see."""

import hashlib
from collections.abc import Iterable
from typing import Literal

import msgspec

from gateway.casing import lower
from gateway.config.schema import Config
from gateway.identity.person import Person

Role = Literal["person", "lead", "administrator"]
Source = Literal["admin-key", "open-webui", "oidc"]
ROLES: tuple[Role, ...] = ("person", "lead", "administrator")
"""From the one that sees least to the one that sees all."""
SCOPE = "sekisho.session"
"""Key in an ASGI scope by which a request of our own pages says who is signed in. No client can set it."""


class Stored(msgspec.Struct, frozen=True):
    """A session as the database has it."""

    person: Person
    source: Source
    csrf: str
    key_id: str | None = None
    """The key that vouched for the person; the session ends when it is revoked."""
    admin_key: str | None = None
    """Fingerprint of the admin key that was shown; the session ends when that is changed."""
    teams: tuple[str, ...] = ()
    """Teams of the person, as whoever signed them in knows."""


class Session(msgspec.Struct, frozen=True):
    """A person who is signed in, with what the configuration of now gives them."""

    person: Person
    source: Source
    role: Role
    leads: tuple[str, ...]
    """Teams whose people and spend the person sees."""
    csrf: str
    """Value of the hidden field `csrf` of every form."""
    handle: str
    """Names the session in lists; gives no right to it."""
    created_at: int
    """UTC microseconds."""
    expires_at: int
    """UTC microseconds."""
    teams: tuple[str, ...] = ()

    @property
    def team(self) -> str | None:
        """Return the team that pays for what the person does here."""
        return self.teams[0] if self.teams else None

    @property
    def subject(self) -> str:
        """Return the name under which the person's sessions are kept."""
        return subject_of(self.person, self.source)

    @property
    def is_somebody(self) -> bool:
        """Return whether the session is of a person, and not of whoever knows the admin key."""
        return bool(self.person.email or self.person.user_id)

    def may(self, role: Role) -> bool:
        """Return whether the session's role is at least `role`."""
        return ROLES.index(self.role) >= ROLES.index(role)


def subject_of(person: Person, source: str) -> str:
    """Return the name under which a person's sessions are kept: one for all that know the admin key.

    That one is in capitals: names of people are in lower case, so that nobody's is the same.
    """
    return lower(person.email or person.user_id or "") or source.upper()


def role_of(person: Person, source: Source, config: Config) -> Role:
    """Return the role that the configuration gives a person.

    Open WebUI verifies no addresses: who has an administrator's there must have the role there, too.
    """
    if source == "admin-key":
        return "administrator"
    if config.console is False:
        return "person"
    mail = lower(person.email or "")
    admin_there = source == "open-webui" and person.role == "admin"
    listed = bool(mail) and mail in _lower(config.console.administrators)
    if (admin_there and config.console.open_webui_admins) or (listed and (admin_there or source == "oidc")):
        return "administrator"
    return "lead" if led_by(person, config) else "person"


def led_by(person: Person, config: Config) -> tuple[str, ...]:
    """Return the teams whose lead a person is."""
    mail = lower(person.email or "")
    if config.console is False or not mail:
        return ()
    return tuple(team for team, leads in config.console.team_leads.items() if mail in _lower(leads))


def fingerprint(config: Config) -> str | None:
    """Return what is stored of the admin key, to see whether it is still the same; None without one."""
    if config.admin_key is None:
        return None
    return hashlib.sha256(b"sekisho admin key:" + config.admin_key.reveal().encode()).hexdigest()[:16]


def _lower(mails: Iterable[str]) -> set[str]:
    return {lower(mail) for mail in mails}
