"""`sekisho budgets`: what persons and teams may spend over all their keys."""

from typing import Annotated

import typer
from rich.table import Table

from gateway.commands.common import DEFAULT, AsJson, ConfigFile, console, nano_usd, print_json, usd, with_keys
from gateway.identity import key_admin
from gateway.identity.keys import Budget, KeyStore
from gateway.identity.policy import BudgetWindow

app = typer.Typer(no_args_is_help=True, help="Budgets of persons and teams, over chat and all their keys.")

Scope = Annotated[str, typer.Argument(help="person:E-MAIL, team:NAME, or person:* for everybody without one.")]


@app.command("set", epilog="Example: sekisho budgets set 'person:*' --usd 20 --per month")
def set_budget(
    scope: Scope,
    usd: Annotated[float, typer.Option(min=0, help="How much.")],
    per: Annotated[BudgetWindow, typer.Option(help="In which time (UTC calendar).")] = "month",
    warns: Annotated[bool, typer.Option("--warns", help="Over it, warn instead of refusing.")] = False,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Give a person, a team, or everybody a budget."""
    given = Budget(scope, nano_usd(usd) or 0, per, not warns)
    budget = with_keys(config, lambda store: key_admin.set_budget(store, given))
    if as_json:
        print_json(budget)
    else:
        typer.echo(f"{budget.scope}: {_amount_of(budget)}")


@app.command("list", epilog="Example: sekisho budgets list")
def list_budgets(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Show all budgets."""

    async def every(store: KeyStore) -> list[Budget]:
        return sorted(store.budgets.values(), key=lambda budget: budget.scope)

    found = with_keys(config, every)
    if as_json:
        print_json(found)
        return
    table = Table("scope", "budget", box=None, header_style="bold")
    for budget in found:
        table.add_row(budget.scope, _amount_of(budget))
    console.print(table if found else "No budgets yet; `sekisho budgets set 'person:*' --usd 20` gives everybody one.")


@app.command(epilog="Example: sekisho budgets remove team:research")
def remove(scope: Scope, config: ConfigFile = DEFAULT) -> None:
    """Take a budget away."""
    with_keys(config, lambda store: key_admin.remove_budget(store, scope))
    typer.echo(f"{scope} has no budget of its own any more.")


def _amount_of(budget: Budget) -> str:
    return f"{usd(budget.nano_usd)} a {budget.window}" + ("" if budget.hard else " (warns only)")
