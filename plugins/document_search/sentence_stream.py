"""A model's answer in sentences."""

import re
from collections.abc import AsyncGenerator

PART = re.compile(
    r"(.*?(?:[。！？]|[.!?](?=\s)|\n)(?:[ \t]*[\[【][\d,、 ]+[\]】][。.]?)*[ \t]*\n*)(?=[^\s\[【])", re.DOTALL
)
LONGEST_PART = 2_000
SHORTEST_PART = 12


async def parts_of(stream: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    """Yield sentences with the citations behind them, without what a model thinks aloud."""
    pending = ""
    async for word in stream:
        pending += word
        if pending.lstrip().startswith("<think>"):
            if "</think>" not in pending:
                pending = pending[-LONGEST_PART:] if len(pending) < LONGEST_PART else "<think>" + pending[-20:]
                continue
            pending = pending.partition("</think>")[2].lstrip()
        while match := PART.match(pending):
            if len(match.group()) < SHORTEST_PART and "\n" not in match.group():
                longer = PART.match(pending, match.end())
                if longer is None:
                    break
                yield pending[: longer.end()]
                pending = pending[longer.end() :]
                continue
            yield match.group()
            pending = pending[match.end() :]
        if len(pending) > LONGEST_PART:
            yield pending
            pending = ""
    if pending.strip() and not pending.lstrip().startswith("<think>"):
        yield pending
