"""Teams: who belongs to them, and what their members may do together."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from gateway.casing import folded
from gateway.config.section import Count, Section, TrafficClass

LONGEST_TEAM = 200
_LONGEST_GROUP = 512
_LONGEST_CONTACT = 200
_MOST_TEAMS = 1000
EVERYBODY_ELSE = "*"
"""In a mapping of groups: people whom no other entry gives a team."""
EACH_GROUP = "*"
"""The team of everybody else: the group's own name."""


def _shown(longest: int, text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > longest:
        raise ValueError(f"must be text in one line, at most {longest} characters")
    return text.strip()


def _check_distinct(names: Iterable[str]) -> None:
    """Raise `ValueError` where two names are one but for case, width and blanks."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(folded(name), name)
        if other != name:
            raise ValueError(f"'{other}' and '{name}' differ in case, width or blanks only; keep one of them")


def _distinct(mapping: dict[str, Any]) -> dict[str, Any]:
    _check_distinct(mapping)
    return mapping


def _of_groups(given: object) -> object:
    """Return the short form as the mapping that it stands for."""
    if isinstance(given, str):
        if given != "groups":
            raise ValueError("must be 'groups', or a mapping of Open WebUI's groups to teams")
        return {EVERYBODY_ELSE: EACH_GROUP}
    return {} if given is None else given


TeamName = Annotated[str, AfterValidator(lambda text: _shown(LONGEST_TEAM, text))]
GroupName = Annotated[str, AfterValidator(lambda text: _shown(_LONGEST_GROUP, text))]
Contact = Annotated[str, AfterValidator(lambda text: _shown(_LONGEST_CONTACT, text))]
"""Whom people ask: an address, a name, a channel."""


class Team(Section):
    """What all members of a team may do together; its budget is set with `sekisho budgets set team:NAME`."""

    models: tuple[str, ...] | None = None
    """Allowed models or globs, within what the key allows; null = every model."""
    requests_per_minute: Count | None = None
    """Of the whole team; null = no limit."""
    tokens_per_minute: Count | None = None
    """Of the whole team; null = no limit."""
    parallel_requests: Count | None = None
    """Of the whole team; null = no limit."""
    traffic_class: TrafficClass | None = None
    """Class of requests whose kind and key do not say more; null = chat."""
    contact: Contact | None = None
    """Whom members ask for more; null = `contact` of the whole configuration."""

    @property
    def restricts(self) -> bool:
        """Return whether members may do less than people of no team."""
        return any(value is not None for name, value in self if name != "contact")


Teams = Annotated[dict[TeamName, Team], Field(max_length=_MOST_TEAMS), AfterValidator(_distinct)]
GroupTeams = Annotated[
    dict[GroupName, TeamName],
    Field(max_length=_MOST_TEAMS),
    AfterValidator(_distinct),
    BeforeValidator(_of_groups),
]
Several = Literal["first", "next"]
