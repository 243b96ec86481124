"""The error boundary of the `sekisho` command: a known problem is one line, anything else is a bug and shows itself."""

import sys

from gateway.errors import SekishoError
from install.cli import app


def main() -> None:
    try:
        app()
    except SekishoError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
