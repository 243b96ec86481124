"""Whose team a request counts for: the key's own, or the one that Open WebUI's groups give a person."""

from collections.abc import Iterator, Sequence

import msgspec

from gateway.casing import folded
from gateway.config.schema import Config
from gateway.config.teams import EACH_GROUP, EVERYBODY_ELSE, LONGEST_TEAM
from gateway.config.teams import Team as Rules
from gateway.identity.keys import Key
from gateway.identity.person import NOBODY, Person
from gateway.identity.policy import Policy

_NO_RULES = Rules()
OF_KEYS = ("key", "none")
"""Sources of a person that no group comes from."""


class Team(msgspec.Struct, frozen=True):
    """A team by the name that people read, with what the configuration says of it."""

    name: str
    rules: Rules = _NO_RULES


class Membership(msgspec.Struct, frozen=True, eq=False):
    """A key in the hands of the members of a team. Equal only to itself: what follows from it is found by it."""

    policy: Policy
    team: Team | None
    """For which a request is charged; None = no team."""
    teams: tuple[Team, ...] = ()
    """All teams of the person, in the order in which they are asked."""
    others: tuple["Membership", ...] = ()
    """The same for the further teams, where the configuration lets the next one step in."""

    def allowing(self, model: str) -> tuple["Membership", ...]:
        """Return the memberships that allow a model, in their order; this one alone where none does."""
        return tuple(each for each in (self, *self.others) if each.policy.allows(model)) or (self,)


class Teams:
    """The teams of one configuration. Names are compared without case and width."""

    def __init__(self, config: Config) -> None:
        self._rules = {folded(name): Team(name, rules) for name, rules in config.teams.items()}
        mapping = config.open_webui.teams
        self._of_group = {folded(group): self.named(team) for group, team in mapping.items() if group != EVERYBODY_ELSE}
        self._else = mapping.get(EVERYBODY_ELSE)
        self._steps_in = config.open_webui.several == "next"
        order = [*(folded(team.name) for team in self._of_group.values()), *self._rules]
        self._order = {name: place for place, name in reversed(list(enumerate(order)))}
        self.by_group = bool(mapping)
        """Groups give teams."""
        self.matter = self.by_group or bool(self._rules)
        """Something is configured at all."""

    def named(self, name: str) -> Team:
        """Return the team of a name; one that the configuration does not know has no rules."""
        return self._rules.get(folded(name)) or Team(name.strip())

    def of_person(self, person: Person) -> tuple[Team, ...]:
        """Return a person's teams by their groups, the first one first."""
        if not self.by_group or person is NOBODY or person.source in OF_KEYS:
            return ()
        found = {folded(team.name): team for team in self._given(person.groups)}
        if not found and self._else not in (None, EACH_GROUP):
            return (self.named(str(self._else)),)
        return tuple(
            found[name] for name in sorted(found, key=lambda name: (self._order.get(name, len(self._order)), name))
        )

    def of(self, key: Key, person: Person) -> tuple[Team, ...]:
        """Return for which teams a key and a person act. A key's own team wins over the person's groups."""
        return (self.named(key.team),) if key.team else self.of_person(person)

    def joined(self, key: Key, teams: tuple[Team, ...]) -> Membership:
        """Return a key's membership in teams."""
        each = [Membership(_policy(key, team), team, teams) for team in teams]
        if not each:
            return Membership(key.policy, None)
        others = tuple(each[1:]) if self._steps_in else ()
        return msgspec.structs.replace(each[0], others=others)

    def _given(self, groups: Sequence[str]) -> Iterator[Team]:
        for group in groups:
            name = folded(group)
            if team := self._of_group.get(name):
                yield team
            elif self._else == EACH_GROUP and name and group.isprintable() and len(group) <= LONGEST_TEAM:
                yield self.named(group)


def _policy(key: Key, team: Team) -> Policy:
    rules = team.rules
    if rules.models is None and rules.traffic_class is None:
        return key.policy
    return key.policy.within(rules.models, rules.traffic_class)


NO_TEAMS = Teams(Config())
"""Of a configuration that says nothing of teams."""
