"""`sekisho mcp`: the tool servers: what they offer, whether they work, and definitions to accept."""

from typing import Annotated

import typer

from gateway.commands.common import DEFAULT, AsJson, ConfigFile, console, load, print_json
from gateway.commands.mcp_tables import accepted_lines, checked_lines, details, plain, servers_table
from gateway.config.load import Loaded
from gateway.config.schema import Config
from gateway.db.once import run_once
from gateway.errors import ConfigError, SekishoError
from gateway.preflight import package_problem

app = typer.Typer(no_args_is_help=True, help="Tool servers (MCP): what they offer, whether they work, what to accept.")

_NONE = "No tool servers are configured; write them under 'mcp: servers:'."

Servers = Annotated[list[str] | None, typer.Argument(help="Names of servers; all by default.")]


class NotWorking(SekishoError):
    def __init__(self, names: list[str], count: int) -> None:
        super().__init__(f"{len(names)} of {count} tool servers do not work: {', '.join(names)}")


class NothingToAccept(SekishoError):
    def __init__(self, server: str, tool: str) -> None:
        super().__init__(
            f"Nothing waits to be accepted of the tool {tool!r:.80} of '{server}'; nothing was accepted. "
            f"`sekisho mcp list {server}` shows what does."
        )


class NotSignedIn(SekishoError):
    pass


@app.command("list", epilog="Example: sekisho mcp list    # or: sekisho mcp list git --json")
def list_servers(server: Servers = None, config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Show the servers and what the catalogue knows of them; starts and asks none. Names show every tool."""
    loaded = _loaded(config)
    names = _names(loaded, server)
    if names:
        from gateway.mcp.overview import overview  # takes a second to import

        found = [each for each in overview(loaded.config, _signed_in(loaded.config)) if each.server in names]
    else:
        found = []
    if as_json:
        print_json(found)
    elif not found:
        typer.echo(_NONE)
    else:
        console.print(servers_table(found))
        for line in details(found, with_tools=bool(server)):
            typer.echo(line)


@app.command(epilog="Example: sekisho mcp check git    # all servers without a name; exit 1 where one does not work")
def check(
    server: Servers = None,
    person: Annotated[
        str | None, typer.Option("--as", metavar="EMAIL", help="In whose name, for servers with a token a person.")
    ] = None,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Open each server once and read its lists: exit 1 where one does not work, and why. Keeps what it read."""
    loaded = _loaded(config)
    names = _names(loaded, server)
    if names:
        from gateway.mcp.checking import check as checking

        found = run_once(checking(loaded.config, names, person))
    else:
        found = []
    if as_json:
        print_json(found)
    else:
        for line in checked_lines(found) if found else [_NONE]:
            typer.echo(line)
    if failing := [each.server for each in found if each.state == "fails"]:
        raise NotWorking(failing, len(found))


@app.command(epilog="Example: sekisho mcp accept wiki read_page    # all that waits of wiki without a tool")
def accept(
    server: Annotated[str, typer.Argument(help="A server's name.")],
    tool: Annotated[list[str] | None, typer.Argument(help="Its tools; all by default.")] = None,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Accept definitions of tools that changed or look odd; a running gateway shows them with its next list."""
    loaded = _loaded(config)
    _names(loaded, [server])
    from gateway.mcp.overview import pins_of

    try:
        accepted = pins_of(loaded.config).accept_all(server, tool or ())
    except KeyError as error:
        raise NothingToAccept(server, str(error.args[0])) from None
    if as_json:
        print_json([{"server": server, "tool": name, "why": pin.why} for name, pin in accepted.items()])
        return
    for line in accepted_lines(server, accepted):
        typer.echo(line)


@app.command("sign-in", epilog="Example: sekisho mcp sign-in wiki --as alice@example.com --loopback")
def sign_in(
    server: Annotated[str, typer.Argument(help="A server's name.")],
    person: Annotated[
        str | None, typer.Option("--as", metavar="EMAIL", help="Who signs in; without, the link is good for anybody.")
    ] = None,
    loopback: Annotated[
        bool, typer.Option("--loopback", help="Sign in from here, with a browser of this machine; needs --as.")
    ] = False,
    config: ConfigFile = DEFAULT,
) -> None:
    """Print the link with which people sign in at a server, or sign one in from here."""
    loaded = _loaded(config)
    _names(loaded, [server])
    assert loaded.config.mcp
    if not loaded.config.mcp.servers[server].signs_in:
        raise ConfigError(f"mcp.servers.{server}: nobody signs in there; 'auth: {{oauth: {{}}}}' changes that")
    from gateway.mcp.oauth.failures import OAuthFailed
    from gateway.mcp.oauth.for_commands import link, sign_in_here
    from gateway.mcp.oauth.words import told

    if not loopback:
        typer.echo(link(loaded.config, server, person))
        return
    if not person or "@" not in person:
        raise ConfigError("--loopback needs --as with the e-mail address of the person who signs in")
    try:
        grant = run_once(sign_in_here(loaded.config, server, person, lambda url: typer.echo(f"Open {url}")))
    except OAuthFailed as error:
        raise NotSignedIn(told(error)) from None
    typer.echo(f"{plain(person)} is signed in at {server} ({plain(grant.relation.issuer)}).")


def _signed_in(config: Config) -> dict[str, int]:
    """Return how many people are signed in at each server where they do so."""
    if not any(server.signs_in for server in (config.mcp.servers.values() if config.mcp else ())):
        return {}
    from gateway.mcp.oauth.for_commands import counts

    return run_once(counts(config))


def _loaded(config: ConfigFile) -> Loaded:
    loaded = load(config)
    if problem := package_problem(loaded):
        raise ConfigError(problem)
    return loaded


def _names(loaded: Loaded, wanted: list[str] | None) -> list[str]:
    """Return the servers that are meant, in the order of the configuration. Raises `ConfigError`."""
    known = list(loaded.config.mcp.servers) if loaded.config.mcp else []
    if unknown := next((name for name in wanted or () if name not in known), None):
        there = f"there are: {', '.join(known)}" if known else "none is configured"
        raise ConfigError(f"mcp.servers: there is no {unknown!r:.80}; {there}.")
    return [name for name in known if not wanted or name in wanted]
