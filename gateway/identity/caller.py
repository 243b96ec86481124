"""Who asks and who pays: the key of a request, the person behind it, and the team for which they act."""

import msgspec

from gateway.identity.keys import Key
from gateway.identity.person import NOBODY, Person
from gateway.identity.policy import Policy
from gateway.identity.scopes import scopes
from gateway.identity.teams import Membership, Team


class Caller(msgspec.Struct, frozen=True):
    """A key that was accepted, and the person for whom it speaks."""

    key: Key
    person: Person = NOBODY
    membership: Membership | None = None
    """None where the configuration says nothing of teams: the key says all."""
    further: tuple[Membership, ...] = ()
    """Of the person's other teams, those that may step in where this one's budget is used up."""

    @property
    def policy(self) -> Policy:
        """Return what the caller may do."""
        return self.membership.policy if self.membership else self.key.policy

    @property
    def team(self) -> str | None:
        """Return the name of the team for which a request is charged."""
        team = self.membership.team if self.membership else None
        return team.name if team else self.key.team

    @property
    def teams(self) -> tuple[Team, ...]:
        """Return all teams of the caller, as far as the configuration knows of teams."""
        return self.membership.teams if self.membership else ()

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
        return scopes(self.key.id, self.team, self.person.email, self.person.user_id)

    def contact(self, otherwise: str | None) -> str | None:
        """Return whom the caller asks for more: the team's contact, or else everybody's."""
        team = self.membership.team if self.membership else None
        return (team.rules.contact if team else None) or otherwise

    def asking(self, model: str) -> "Caller":
        """Return the caller for a request to a model: charged is the first of their teams that allows it."""
        if self.membership is None or not self.membership.others:
            return self
        first, *further = self.membership.allowing(model)
        return msgspec.structs.replace(self, membership=first, further=tuple(further))

    def stepping_in(self) -> "Caller":
        """Return the caller in the next of their teams. Raises `ValueError` where there is none."""
        first, *further = self.further
        return msgspec.structs.replace(self, membership=first, further=tuple(further))
