"""`python -m gateway`: the gateway's commands, without the rest of `sekisho`."""

import sys

import typer

from gateway.commands import register
from gateway.errors import SekishoError


def main() -> None:
    app = typer.Typer(name="gateway", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    register(app)
    try:
        app()
    except SekishoError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
