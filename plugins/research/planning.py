"""Planning: the questions that together answer the person's."""

import asyncio
from typing import Any

from plugins.research.asking import json_asked, rules
from plugins.research.run import LONGEST_QUERY, Run
from plugins.shared.json_values import dicts, items, label, words
from plugins.shared.visible import visible

LONGEST_HISTORY = 6_000


def queries_of(found: Any, count: int) -> list[str]:
    lines = [label(visible(line))[:LONGEST_QUERY] for line in items(found) if isinstance(line, str)]
    return list(dict.fromkeys(filter(None, lines)))[:count]


async def planned(run: Run, count: int) -> list[str]:
    turn = run.turn
    earlier = [message for message in dicts(turn.body.get("messages")) if message.get("role") in ("user", "assistant")]
    lines = (f"{one['role']}: {words(one.get('content'))[:2_000]}" for one in earlier[:-1])
    history = "\n".join(lines)[-LONGEST_HISTORY:]
    asked = f"{run.data(history)}\n\nThe question: {turn.question}" if history else turn.question
    found = await json_asked(run, "plan", rules(run, "plan", count=count), asked)
    return queries_of(found.get("questions"), count) or [label(turn.question)[:LONGEST_QUERY]]


async def corrected(run: Run, plan: list[str]) -> list[str]:
    """Return the plan as the person in front of a browser wants it."""
    turn, valves = run.turn, run.valves
    wanted = valves.ask_for_plan and run.choice.review_plan
    if not (wanted and turn.in_chat and turn.call):
        return plan
    message = turn.text["plan_message"].format(seconds=f"{valves.plan_seconds:g}")
    about = {"title": turn.text["plan_title"], "message": message, "placeholder": turn.text["plan"]}
    try:
        async with asyncio.timeout(valves.plan_seconds):
            answer = await turn.call({"type": "input", "data": {**about, "value": "\n".join(plan)}})
    except TimeoutError:
        return plan
    lines = answer[: LONGEST_QUERY * 20].splitlines() if isinstance(answer, str) else []
    return queries_of([line.strip().removeprefix("- ") for line in lines], 12) or plan
