"""The `sekisho` command."""

from gateway.failures import run
from install.cli import app


def main() -> None:
    run(app)


if __name__ == "__main__":
    main()
