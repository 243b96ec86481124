"""`sekisho usage forget` and `sekisho usage reprice`: what may be changed in the ledger afterwards."""

from datetime import UTC, date, datetime
from typing import Annotated

import typer

from gateway.commands.common import DEFAULT, AsJson, ConfigFile, load, print_json, usd
from gateway.errors import ConfigError

FORGET_EXAMPLE = "Example: sekisho usage forget alice@example.com"
REPRICE_EXAMPLE = "Example: sekisho usage reprice --from 2026-04-01 --to 2026-04-30"


def forget(
    user: Annotated[str, typer.Argument(help="The person's id or e-mail address.")],
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Take a person out of ledger, keys and budgets and prove it; requests, tokens and costs stay.

    The person's own keys are revoked. Where several machines write, run it on each.
    """
    from gateway.maintenance.forget import forget as forgetting

    done = forgetting(load(config).config, user)
    if as_json:
        print_json(done)
        return
    typer.echo(
        f"{done.records:,} records of {done.identities} ids and addresses were rewritten in {done.files} files, "
        f"{done.contents} recorded contents thrown away. "
        f"{done.keys} keys, {done.budgets} budgets, {done.audited} rows of the audit and {done.copies} objects of the "
        "second copy named the person.\n"
        f"Proof: {done.files_checked} files with {done.records_checked:,} records were read again; "
        f"{done.found_after} name the person; sums are {'unchanged' if done.totals_kept else 'CHANGED'}."
    )
    if done.unconfirmed:
        typer.echo(
            f"Not confirmed yet by {len(done.unconfirmed)} machines: {', '.join(done.unconfirmed)}. They ship without "
            "the person as soon as they ship again; run this again for the proof. Of a machine that is gone for good, "
            "delete its file below _machines/ at the destination."
        )


def reprice(
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="First day, in UTC.")],
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="Last day, included.")],
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Cost past days again by the prices of the configuration; into new files, the old stay.

    What was not shipped yet keeps its cost: `sekisho ledger ship --all` before. Budgets keep what they counted.
    """
    from gateway.maintenance.reprice import reprice as repricing

    done = repricing(load(config).config, _day(first), _day(last), datetime.now(UTC))
    if as_json:
        print_json(done)
        return
    before, after = usd(done.before_nano_usd), usd(done.after_nano_usd)
    typer.echo(f"{done.changed:,} of {done.records:,} records cost something else now: {before} before, {after} after.")
    if done.files:
        typer.echo(f"The new files are below {done.folder}/ at the destination; without it the old costs are back.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"'{text}' is not a day; write it as 2026-04-30") from None
