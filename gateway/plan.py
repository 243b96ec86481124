"""What follows from a key, a model and an endpoint alone: worked out on first use, then found by one look-up."""

import itertools
from typing import Any

import msgspec

from gateway.config.models import Model, Price
from gateway.config.schema import Config
from gateway.dialects.endpoint import Endpoint
from gateway.errors import InvalidRequest
from gateway.identity.caller import Caller
from gateway.identity.keys import Key, KeyStore
from gateway.identity.person import Person, PersonalKey
from gateway.identity.policy import Policy
from gateway.identity.teams import NO_TEAMS, OF_KEYS, Membership, Teams
from gateway.routing.availability import is_always_available
from gateway.routing.routes import Routes
from gateway.routing.serving import Serving

_revisions = itertools.count()


class Plan(msgspec.Struct, frozen=True):
    """Who may serve a request of one key for one model at one endpoint, and what that may cost."""

    model: Model
    groups: tuple[tuple[Serving, ...], ...]
    """As `Routes.chain` gives them."""
    models: tuple[Model, ...]
    """The model and its fallbacks."""
    price: Price | None
    """The dearest that any of them asks."""


class Snapshot(msgspec.Struct, frozen=True):
    """A configuration with what is derived from it; a request keeps the one it began with."""

    config: Config
    routes: Routes
    revision: int = msgspec.field(default_factory=lambda: next(_revisions))
    teams: Teams = NO_TEAMS

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "teams", Teams(self.config))

    def caller(self, store: KeyStore, key: Key, person: Person) -> Caller:
        """Return the caller with the team for which they act: the key's own, else by the groups of the person."""
        if not self.teams.matter:
            return Caller(key, person)
        if isinstance(key, PersonalKey):  # made for one request: nothing that is kept would be found again
            return Caller(key, person, self.teams.joined(key, self.teams.of(key, person)))
        known = (self.revision, key, person.source in OF_KEYS or person.groups)
        found: Any = store.derived.get(known)
        if found is None:
            found = store.derived[known] = self._membership(store, key, person)
        return Caller(key, person, found)

    def _membership(self, store: KeyStore, key: Key, person: Person) -> Membership:
        """Return the membership that all who are in the same teams share, and with it their plans."""
        teams = self.teams.of(key, person)
        known = (self.revision, key, "teams", tuple(team.name for team in teams))
        found: Any = store.derived.get(known)
        if found is None:
            found = store.derived[known] = self.teams.joined(key, teams)
        return found  # type: ignore[no-any-return]

    def plan(self, store: KeyStore, caller: Caller, name: str, endpoint: Endpoint) -> Plan:
        """Return the plan of a request. Raises `NotFound`, `InvalidRequest` where it cannot be served."""
        known = (self.revision, caller.membership or caller.key, name, endpoint.path + endpoint.variant)
        found: Any = store.derived.get(known)
        if found is None:
            found = self._made(caller.policy, name, endpoint)
            if all(is_always_available(model) for model in found.models):
                store.derived[known] = found
        return found  # type: ignore[no-any-return]

    def _made(self, policy: Policy, name: str, endpoint: Endpoint) -> Plan:
        routes = self.routes
        model = routes.model(name, policy)
        _check_mode(endpoint, model)
        models = (model, *(routes.models[each] for each in model.fallback))
        groups = tuple(routes.chain(model, endpoint, policy))
        return Plan(model, groups, models, routes.dearest.get(model.name))


def _check_mode(endpoint: Endpoint, model: Model) -> None:
    if model.mode not in endpoint.modes:
        raise InvalidRequest(
            f"The model '{model.name}' is for {model.mode}, which '/v1{endpoint.path}' does not serve; "
            f"it takes models for {' or '.join(endpoint.modes)}. See GET /v1/models.",
            code="wrong_mode",
            param="model",
        )
