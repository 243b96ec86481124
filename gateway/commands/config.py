"""`sekisho config`: check it, explain it."""

from collections.abc import Iterator

import typer

from gateway.commands import import_litellm
from gateway.commands.common import DEFAULT, AsJson, ConfigFile, load, print_json
from gateway.commands.wires import wires
from gateway.config.load import Loaded
from gateway.config.mcp import APART
from gateway.config.origins import origins
from gateway.dialects.fim import FIM
from gateway.errors import ConfigError
from gateway.preflight import load_startable
from gateway.project import for_config
from gateway.routing.availability import is_available
from gateway.routing.checks import endings_of, known, unpriced
from gateway.routing.routes import Routes, build_routes

app = typer.Typer(no_args_is_help=True, help="The configuration: check it, explain it, import it.")
app.command("import-litellm", epilog="Example: sekisho config import-litellm config.yaml --out sekisho-config")(
    import_litellm.command
)


@app.command(epilog="Example: sekisho config check --config sekisho.yaml")
def check(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Say whether the configuration can be used; exit 2 and every problem if not."""
    loaded = load_startable(config, for_config(config))
    _check_store(loaded)
    _check_credentials(loaded)
    models = loaded.config.models
    routes = build_routes(loaded.config, {})
    endings = [each for each in endings_of(loaded, routes) if each.level]
    warnings = [*_without_gaps(loaded, routes), *unpriced(loaded, routes), *_unstartable(loaded), *_apart(loaded)]
    counts = {"files": len(loaded.document.files), "models": len(models)}
    counts["deployments"] = sum(len(model.deployments) for model in models)
    if as_json:
        told = [each.as_json() for each in endings]
        print_json({**counts, **({"warnings": warnings} if warnings else {}), **({"endings": told} if told else {})})
        return
    typer.echo(f"{config}: good ({', '.join(f'{count} {name}' for name, count in counts.items())}).")
    for warning in warnings:
        typer.echo(f"warning: {warning}")
    for ending in endings:
        typer.echo(f"{ending.level}: {ending.words}")


def _without_gaps(loaded: Loaded, routes: Routes) -> Iterator[str]:
    """Yield a warning for each model for completion that no deployment lets fill in the middle."""
    filling = routes.completing(FIM)
    for index, model in enumerate(loaded.config.models):
        if model.mode == "completion" and is_available(model) and model.name not in filling:
            yield (
                f"{loaded.document.place(('models', index, 'name'))}: '{model.name}' is for completion, but cannot "
                "fill in the middle: no family is told by the upstream's name of it. Set 'fim:' on the model."
            )


def _unstartable(loaded: Loaded) -> Iterator[str]:
    """Yield a warning for each tool server whose program is not here; none is started."""
    if loaded.config.mcp is not None:
        from gateway.mcp.overview import unstartable  # takes a second to import

        for name, problem in unstartable(loaded.config):
            place = loaded.document.place(("mcp", "servers", name, "command"))
            yield (
                f"{place}: tool server '{name}' cannot be started: {problem}. Install it, or name it with its whole "
                f"path; `sekisho mcp check {name}` tries it."
            )


def _apart(loaded: Loaded) -> Iterator[str]:
    """Yield a warning where machines share keys but no state through which their hubs of tool servers would meet."""
    config = loaded.config
    if config.mcp is not None and config.database is not None and config.shared_state is None:
        yield f"{loaded.document.place(('mcp',))}: mcp: {APART}"


def _check_store(loaded: Loaded) -> None:
    """Look at the server of `shared_state`, if it is there: a wrong scheme shows only in what it answers."""
    if (shared_state := loaded.config.shared_state) is not None:
        # Its client takes a third of a second to import, and most configurations need none.
        from gateway.limits.probe import store_problem

        if problem := store_problem(shared_state.reveal()):
            raise ConfigError(f"{loaded.document.place(('shared_state',))}: shared_state: {problem}")


def _check_credentials(loaded: Loaded) -> None:
    """Look for what signs requests to clouds: files, the environment, the machine's own role."""
    problems = []
    routes = build_routes(loaded.config, {})
    for index, model in enumerate(loaded.config.models):
        for number, target in enumerate(routes.targets[model.name]):
            if problem := target.credentials_problem():
                place = loaded.document.place(("models", index, "deployments", number, "provider"))
                problems.append(f"{place}: {target.provider.name}: {problem}")
    if problems:
        raise ConfigError("\n".join(problems))


@app.command(epilog="Example: sekisho config explain --config sekisho.yaml | grep timeout")
def explain(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Show every value and where it comes from: file and line, environment variable, or default.

    Then in which dialect each deployment is asked, by the dialect of who asks, and why; what it costs, when it ends.
    """
    loaded = load(config)
    rows = [*origins(loaded), *wires(loaded.config), *known(loaded)]
    if as_json:
        print_json([dict(zip(("key", "value", "origin"), row, strict=True)) for row in rows])
        return
    for key, value, origin in rows:
        typer.echo(f"{key} = {value}    # {origin}")
