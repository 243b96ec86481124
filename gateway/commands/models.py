"""`sekisho models`: which models end, who still uses them, and what to write to these people."""

from typing import Annotated

import typer
from rich.markup import escape

from gateway.commands.common import DEFAULT, AsJson, ConfigFile, console, load, print_json, with_keys
from gateway.identity.keys import Key, KeyStore
from gateway.notices.users import (
    DIMENSIONS,
    LONGEST_DAYS,
    LOOKED_BACK_DAYS,
    EndingModel,
    EndingModels,
    User,
    ending_models,
    names_ending,
    today_utc,
)
from gateway.reports.connection import ask
from gateway.reports.span import last_days
from gateway.reports.summary import Question, summary
from gateway.routing.routes import build_routes
from gateway.wording.languages import Language

app = typer.Typer(no_args_is_help=True, help="Models: which of them end, and who still uses those.")
_MOST_ROWS = 10_000
_MOST_SHOWN = 50


@app.callback()
def main() -> None:
    """Models: which of them end, and who still uses those."""


@app.command(epilog="Example: sekisho models ending --days 30 --lang ja")
def ending(
    days: Annotated[int, typer.Option(min=0, max=LONGEST_DAYS, help="Within so many days.")] = 90,
    lang: Annotated[Language, typer.Option("--lang", help="Language of the draft.")] = "en",
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show models that end, who used them within the last 30 days, and a draft of what to write to these people."""
    loaded, today = load(config).config, today_utc()
    routes = build_routes(loaded, {})
    names = names_ending(routes, days, today)
    rows = []
    if names:
        question = Question(last_days(LOOKED_BACK_DAYS, today), DIMENSIONS, {"model": names}, _MOST_ROWS)
        rows = ask(loaded, question.span, lambda connection: summary(connection, question))["rows"]
    found = ending_models(routes, names, rows, with_keys(config, _all), days, loaded.contact, today)
    if as_json:
        print_json(found)
    else:
        _print(found, lang)


async def _all(store: KeyStore) -> list[Key]:
    return store.all()


def _print(found: EndingModels, language: Language) -> None:
    if not found.data:
        console.print(f"No model ends within {found.days} days.")
    for each in found.data:
        _print_model(each, language)


def _print_model(model: EndingModel, language: Language) -> None:
    sure = "" if model.certain else ", at the earliest"
    after = f"; successor: {model.successor}" if model.successor else ""
    heading = f"{model.model}: {model.ends} ({model.days_left} days left{sure}; {model.source}){after}"
    console.print(f"[bold]{escape(heading)}[/bold]")
    for user in model.users[:_MOST_SHOWN]:
        console.print(f"  {escape(_of(user))}")
    if len(model.users) > _MOST_SHOWN:
        console.print(f"  … and {len(model.users) - _MOST_SHOWN} more; --json prints them all.")
    if not model.users:
        console.print("  Nobody has used it within the last 30 days.")
        return
    draft = model.draft[language]
    console.print(f"\n{escape(draft.subject)}\n\n{escape(draft.text)}\n", highlight=False)


def _of(user: User) -> str:
    ways = [*(["chat"] if user.chat else []), *(f"key {alias}" for alias in user.keys)]
    teams = f" ({', '.join(user.teams)})" if user.teams else ""
    return f"{user.person or 'nobody'}{teams}: {user.requests:,} requests; {', '.join(ways) or 'no key'}"
