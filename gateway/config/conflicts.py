"""Checks beyond the schema: values that are valid by themselves and wrong together."""

from collections.abc import Callable, Iterator

from gateway.config.addresses import base_url_problem, endpoint_problem
from gateway.config.did_you_mean import did_you_mean
from gateway.config.document import Document
from gateway.config.models import Deployment, Model
from gateway.config.schema import Config
from gateway.config.teams import EACH_GROUP, EVERYBODY_ELSE
from gateway.providers.rows import PROVIDERS


def conflicts(config: Config, document: Document) -> Iterator[str]:
    """Yield one sentence a problem: where, what is wrong, what is allowed."""
    for check in _CHECKS:
        yield from check(config, document)


def _server(config: Config, document: Document) -> Iterator[str]:
    if config.server.workers > 1 and config.shared_state is None:
        yield (
            f"{document.place(('server', 'workers'))}: server.workers: several workers need 'shared_state' "
            "(redis://…), or limits would count once a worker"
        )
    if config.database is not None and config.key_secret is None:
        yield (
            f"{document.place(('database',))}: database: machines that share it need one 'key_secret' "
            "(32 random characters, from the environment), or none knows the others' keys"
        )


def _console(config: Config, document: Document) -> Iterator[str]:
    if config.console and config.console.oidc and config.server.public_url is None:
        yield (
            f"{document.place(('console', 'oidc'))}: console.oidc: needs 'server.public_url', the address to which the "
            "provider sends browsers back, such as https://ai.example.com"
        )


def _teams_at_sign_in(config: Config, document: Document) -> Iterator[str]:
    """Yield the problem where people leave their team, and its limits and budgets, by the provider's door."""
    oidc, groups = config.console.oidc if config.console else None, config.open_webui.teams
    if oidc is None or oidc.groups_claim or groups.get(EVERYBODY_ELSE, EACH_GROUP) != EACH_GROUP:
        return
    if groups or any(team.restricts for team in config.teams.values()):
        yield (
            f"{document.place(('console', 'oidc'))}: console.oidc: who signs in there would be in no team, outside its "
            "models, limits and budgets. Set 'console.oidc.groups_claim' to the claim with the groups that "
            "'open_webui.teams' names, or give everybody else a team there: '\"*\": NAME'"
        )


def _destinations(config: Config, document: Document) -> Iterator[str]:
    ledger = config.ledger
    places = {("ledger", "destination"): ledger.destination}
    if ledger.litellm:
        places["ledger", "litellm", "destination"] = ledger.litellm.destination  # type: ignore[index]
    for key, destination in places.items():
        if destination is not None and (problem := endpoint_problem(destination)):
            yield f"{document.place(key)}: {'.'.join(key)}: {problem}"


def _names(config: Config, document: Document) -> Iterator[str]:
    first: dict[str, int] = {}
    for index, model in enumerate(config.models):
        if model.name in first:
            here, there = (document.place(("models", each, "name")) for each in (index, first[model.name]))
            yield (
                f"{here}: models.{index}.name: the model '{model.name}' is already defined at {there}; "
                "rename one, or put both deployments under one model"
            )
        first.setdefault(model.name, index)
    for index, model in enumerate(config.models):
        for name in model.fallback:
            if name not in first:
                where = document.place(("models", index, "fallback"))
                yield f"{where}: fallback: there is no model '{name[:80]}'{did_you_mean(name[:80], first)}"
            elif name == model.name:
                yield f"{document.place(('models', index, 'fallback'))}: fallback: '{name}' names itself; remove it"


def _times(config: Config, document: Document) -> Iterator[str]:
    for index, model in enumerate(config.models):
        begins, ends = model.available.from_, model.available.until
        if begins and ends and ends <= begins:
            yield f"{document.place(('models', index, 'available'))}: available: 'until' is not after 'from'"


def _deployments(config: Config, document: Document) -> Iterator[str]:
    for index, model in enumerate(config.models):
        for number, deployment in enumerate(model.deployments):
            for key, words in _wrong(deployment):
                yield f"{document.place(('models', index, 'deployments', number, key))}: {key}: {words}"


def _identities(config: Config, document: Document) -> Iterator[str]:
    for index, model in enumerate(config.models):
        for number, deployment in enumerate(model.deployments):
            if deployment.identity and (words := _untellable(config, model)):
                yield f"{document.place(('models', index, 'deployments', number, 'identity'))}: identity: {words}"


def _untellable(config: Config, model: Model) -> str:
    if model.mode != "agent":
        return "only the company's own agents (mode: agent) may learn who asks; providers get a pseudonym"
    return "" if config.open_webui.identity_secret else "needs 'open_webui.identity_secret', which signs it"


def _mcp(config: Config, document: Document) -> Iterator[str]:
    if config.mcp is None:
        return
    servers = config.mcp.servers
    if "view" in servers:
        yield f"{document.place(('mcp', 'servers', 'view'))}: mcp.servers.view: '/mcp/view/…' are views; choose another"
    for name, server in servers.items():
        if server.auth.identity and not config.open_webui.identity_secret:
            where = document.place(("mcp", "servers", name, "auth", "identity"))
            yield f"{where}: identity: needs 'open_webui.identity_secret', which signs it"
        oauth = server.auth.oauth
        if oauth and oauth.grant == "token_exchange" and not config.open_webui.identity_secret:
            where = document.place(("mcp", "servers", name, "auth", "oauth", "grant"))
            yield f"{where}: grant: token_exchange needs 'open_webui.identity_secret', which signs who asks"
    models = [model.name for model in config.models]
    for name, server in servers.items():
        if server.sampling is not None and server.sampling.model not in models:
            where, wanted = document.place(("mcp", "servers", name, "sampling", "model")), server.sampling.model[:80]
            yield f"{where}: mcp.servers.{name}.sampling: there is no model '{wanted}'{did_you_mean(wanted, models)}"
    for name, view in config.mcp.views.items():
        for each in view.servers:
            if each not in servers:
                where = document.place(("mcp", "views", name, "servers"))
                yield f"{where}: mcp.views.{name}.servers: there is no server '{each}'{did_you_mean(each, servers)}"


_OWN_KEYS = frozenset(key for row in PROVIDERS.values() for key in row.keys)
"""Keys of deployments that are not of every provider."""


def _wrong(deployment: Deployment) -> Iterator[tuple[str, str]]:
    """Yield the keys of a deployment that are wrong, with the problem."""
    row, address = PROVIDERS.get(deployment.provider), deployment.base_url
    if row is None:
        yield "provider", f"'{deployment.provider}' is not known{did_you_mean(deployment.provider, PROVIDERS)}"
    elif row.needs_base_url and address is None:
        yield "base_url", f"missing; the provider '{row.name}' has no address of its own"
    if address is not None and (problem := base_url_problem(address)):
        yield "base_url", problem
    elif row is not None:
        yield from row.problems(deployment)
    for key in _OWN_KEYS - (row.keys if row else _OWN_KEYS):
        if getattr(deployment, key) is not None:
            yield key, f"means nothing to the provider '{deployment.provider}'; remove it"
    if deployment.api_key and not all("!" <= each <= "~" for each in deployment.api_key.reveal()):
        yield "api_key", "has a space, a line break or a letter that no key has"


_CHECKS: tuple[Callable[[Config, Document], Iterator[str]], ...] = (
    _server,
    _console,
    _teams_at_sign_in,
    _destinations,
    _names,
    _times,
    _deployments,
    _identities,
    _mcp,
)
