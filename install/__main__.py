"""The `sekisho` command."""

import io
import os
import sys

INTERRUPTED = 130


def main() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that has no Japanese, or no ✓, shows a question mark in its place.
        sys.stdout.reconfigure(errors="replace")
    try:
        # Loading takes a moment, in which Ctrl-C is no bug either.
        from gateway.failures import run
        from install.cli import app
        from install.wording import language_of, speak
        from install.wording.failures import in_words, labelled

        speak(language_of(None, os.environ))
        run(app, in_words, labelled)
    except (KeyboardInterrupt, SystemExit) as ended:
        if isinstance(ended, SystemExit) and ended.code != INTERRUPTED:
            raise
        print(_interrupted(), file=sys.stderr)
        sys.exit(INTERRUPTED)


def _interrupted() -> str:
    from install.wording import say

    return say("Interrupted. Run the same command again: it goes on from what is done.")


if __name__ == "__main__":
    main()
