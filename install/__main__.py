"""The `sekisho` command."""

import sys

INTERRUPTED = 130


def main() -> None:
    try:
        # Loading takes a moment, in which Ctrl-C is no bug either.
        from gateway.failures import run
        from install.cli import app

        run(app)
    except (KeyboardInterrupt, SystemExit) as ended:
        if isinstance(ended, SystemExit) and ended.code != INTERRUPTED:
            raise
        print("Interrupted. Run the same command again: it goes on from what is done.", file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
