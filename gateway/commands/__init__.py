"""The gateway's commands: one file a verb's family."""

import typer

from gateway.commands import audit, budgets, config, keys, ledger, mcp, models, serve, usage


def register(app: typer.Typer) -> None:
    """Add the gateway's commands to the `sekisho` command."""
    panel = "Gateway"
    app.command(epilog="Example: sekisho serve --config sekisho.yaml", rich_help_panel=panel)(serve.serve)
    app.add_typer(keys.app, name="keys", rich_help_panel=panel)
    app.add_typer(budgets.app, name="budgets", rich_help_panel=panel)
    app.add_typer(config.app, name="config", rich_help_panel=panel)
    app.add_typer(usage.app, name="usage", rich_help_panel=panel)
    app.add_typer(ledger.app, name="ledger", rich_help_panel=panel)
    app.add_typer(models.app, name="models", rich_help_panel=panel)
    app.add_typer(audit.app, name="audit", rich_help_panel=panel)
    app.add_typer(mcp.app, name="mcp", rich_help_panel=panel)
