"""Who asks and who pays: the key of a request and the person behind it."""

import msgspec

from gateway.identity.keys import Key
from gateway.identity.person import NOBODY, Person
from gateway.identity.policy import Policy
from gateway.identity.scopes import scopes


class Caller(msgspec.Struct, frozen=True):
    """A key that was accepted, and the person for whom it speaks."""

    key: Key
    person: Person = NOBODY

    @property
    def policy(self) -> Policy:
        """Return what the caller may do."""
        return self.key.policy

    @property
    def user_id(self) -> str | None:
        return self.person.user_id

    @property
    def is_open_webui(self) -> bool:
        """Return whether the key speaks for the people of an Open WebUI."""
        return self.key.identity is not None

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return whose limits and budgets a request counts against."""
        return scopes(self.key.id, self.key.team, self.person.email, self.person.user_id)
