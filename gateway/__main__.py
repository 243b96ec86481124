"""`python -m gateway`: the gateway's commands, without the rest of `sekisho`."""

import typer

from gateway.commands import register
from gateway.failures import run


def main() -> None:
    app = typer.Typer(name="gateway", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    register(app)
    run(app)


if __name__ == "__main__":
    main()
