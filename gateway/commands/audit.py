"""`sekisho audit`: who changed what, and the proof that nothing of it was changed, removed or cut off."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from gateway.audit.actions import AMOUNTS, MOMENTS, sentence
from gateway.audit.errors import AuditBroken
from gateway.audit.listing import LONGEST_LIST, Wanted, newest
from gateway.audit.log import anchors
from gateway.audit.verify import Verified, verified_here
from gateway.commands.common import DEFAULT, AsJson, ConfigFile, console, load, moment, print_json, usd, with_keys
from gateway.config.schema import Config
from gateway.identity.keys import KeyStore, audit_of
from gateway.ledger.destination import open_store
from gateway.maintenance.audit_copies import verified_copies

app = typer.Typer(no_args_is_help=True, help="The audit: who changed what, and proof that nothing of it was changed.")

_SHOWN: dict[str, Callable[[int], str]] = {
    **dict.fromkeys(MOMENTS, moment),
    **dict.fromkeys(AMOUNTS, usd),
}
_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]


@app.command("list", epilog="Example: sekisho audit list --since 2026-04-01 --action key --about alice@example.com")
def list_rows(
    since: Annotated[datetime | None, typer.Option(help="Only rows from then on (UTC).", formats=_DATES)] = None,
    action: Annotated[str | None, typer.Option(help="The action, or its beginning: key, budget.set, …")] = None,
    actor: Annotated[str | None, typer.Option(help="A part of who did it.")] = None,
    about: Annotated[str | None, typer.Option(help="A part of what it was about.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LONGEST_LIST, help="Rows at most.")] = 100,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show the rows of this machine, the newest first."""
    begin = since.replace(tzinfo=UTC).timestamp() if since else 0
    chain = audit_of(load(config).config).chain
    rows = newest(chain.file, Wanted(since=begin, action=action, actor=actor, about=about), limit)
    if as_json:
        print_json(rows)
        return
    table = Table("row", "when (UTC)", "who", "what", "about", "change", box=None, header_style="bold")
    for row in rows:
        cells = (str(row["n"]), moment(row["at"]), _who(row), sentence(row["action"], "en"))
        table.add_row(*cells, _pairs(row["object"]), _change(row))
    console.print(table if rows else "Nothing is recorded yet.", markup=False)


@app.command(epilog="Example: sekisho audit verify --json | jq .head")
def verify(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Prove that no row was changed, removed, moved or cut off at the end; exit 1 and the first that was.

    Reads this machine's chain, and at `ledger.destination` the copies of all machines.
    """
    loaded = load(config).config
    results = _verified(loaded, config)
    if as_json:
        print_json({"good": not any(each.broken for each in results), "chains": [_as_json(each) for each in results]})
    else:
        for each in results:
            typer.echo(_line(each))
    if broken := [each.broken for each in results if each.broken]:
        raise AuditBroken(broken)


def _verified(loaded: Config, file: Any) -> list[Verified]:
    chain = audit_of(loaded).chain

    async def counted(store: KeyStore) -> dict[str, int]:
        return await anchors(store.engine)

    known = with_keys(file, counted)
    results = [verified_here(chain, known)]
    if loaded.ledger.destination is not None:
        results += verified_copies(chain, open_store(loaded))
    elsewhere = known.keys() - {each.chain for each in results}
    return results + [_unseen(name, known[name], loaded) for name in sorted(elsewhere)]


def _unseen(chain: str, rows: int, loaded: Config) -> Verified:
    """Return the result for a chain of which only the database tells: gone, or another machine's."""
    if loaded.database is None:
        return Verified(
            f"chain {chain}", broken=f"chain {chain}: row 1: all {rows} rows are gone (the database counts)"
        )
    return Verified(f"chain {chain} (of another machine; verify it there)", rows=rows)


def _line(each: Verified) -> str:
    if each.broken:
        return f"{each.where}: BROKEN"
    notes = [f"{each.forgotten} taken out for forgotten persons"] if each.forgotten else []
    notes += [f"{each.unsealed} sealed under another secret, not checked"] if each.unsealed else []
    told = f" ({', '.join(notes)})" if notes else ""
    return f"{each.where}: good, {each.rows} rows{told}; head {each.head or '–'}"


def _as_json(each: Verified) -> dict[str, Any]:
    names = ("where", "chain", "rows", "head", "forgotten", "unsealed", "broken")
    return {name: getattr(each, name) for name in names}


def _who(row: dict[str, Any]) -> str:
    actor = row["actor"]
    if not isinstance(actor, dict):
        return "(forgotten)" if "actor" in row["forgotten"] else "–"
    named = actor.get("name") or actor.get("kind", "–")
    return f"{named} ({actor['via']})" if actor.get("via") else str(named)


def _change(row: dict[str, Any]) -> str:
    before, after = row["before"], row["after"]
    if isinstance(before, dict) and isinstance(after, dict):
        return ", ".join(
            f"{name}: {_told(name, before.get(name))} → {_told(name, after.get(name))}" for name in {**before, **after}
        )
    return _pairs(after if after is not None else before)


def _told(name: str, value: Any) -> str:
    """Return a value for people: moments and amounts as such."""
    if value is None:
        return "–"
    shown = _SHOWN.get(name) if isinstance(value, int) else None
    return shown(value) if shown else str(value)


def _pairs(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_told(name, each)}" for name, each in value.items() if each is not None)
    return "–" if value is None else str(value)
