"""Planning: which queries a question becomes."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from plugins.document_search.topics import REFERRING, named_in
from plugins.document_search.turn import Turn
from plugins.shared.json_values import dict_of, items, label
from plugins.shared.log import log
from plugins.shared.models import Models, ModelTrouble
from plugins.shared.types import Json

LONGEST_QUERY = 400
MOST_QUERIES = 3


@dataclass
class Plan:
    question: str
    """As it stands without the conversation."""
    queries: list[str]
    """The first is the question itself."""
    named: list[str] = field(default_factory=list)
    """What it is about. Empty: nobody can tell."""
    asked: str = ""
    """The question as it was typed, where it follows another one."""
    earlier: str = ""
    """The one it follows."""


def by_rules(question: str, before: list[str]) -> Plan:
    """Make a plan without a model. `before`: earlier questions, the latest first."""
    named, query = named_in(question), question[:LONGEST_QUERY]
    last = next((each[:LONGEST_QUERY] for each in before[:5] if named_in(each[:LONGEST_QUERY])), "")
    earlier = named_in(last)
    if not earlier or (named and not REFERRING.search(question) and len(named) > 1):
        return Plan(query, [query], named)
    joined = f"{' '.join(earlier[:6])} {query}"[:LONGEST_QUERY]
    return Plan(joined, [joined] if len(named) < 2 else [query, joined], [*named, *earlier], query, last)


LONGEST_PLAN = 20_000  # characters, thoughts included
PLANNING = """You turn the last question of a conversation into searches of a company's documents.
Answer with one JSON object and nothing else:
{"question": "the last question, complete in itself, in its language", "queries": ["1 to 3 short search queries"]}
Name in them what words like "it" or それ stand for. Use the language of the documents. Do not answer."""


def read_json(answer: str) -> Json:
    start = answer.rfind("</think>") + 1
    with suppress(ValueError, RecursionError):
        return dict_of(json.JSONDecoder().raw_decode(answer, answer.index("{", start))[0])
    return {}


async def first_json(stream: AsyncGenerator[str, None]) -> Json:
    """Return the first JSON object of a model's answer and stop reading there; empty if there is none."""
    said = ""
    async with aclosing(stream):
        async for word in stream:
            said += word
            if "}" in word and (found := read_json(said)):
                return found
            if len(said) > LONGEST_PLAN:
                break
    return {}


def with_model(plan: Plan, said: Json, follows: bool) -> Plan:
    """Merge a model's queries; the person's own words stay first unless they only make sense after earlier ones."""
    question = label(said.get("question")) if follows else ""
    queries = [query[:LONGEST_QUERY] for query in map(label, items(said.get("queries"))) if named_in(query)]
    first = question[:LONGEST_QUERY] if named_in(question) else plan.question
    named = plan.named or named_in(question)
    resolved = first != plan.question
    asked, earlier = ("", "") if resolved else (plan.asked, plan.earlier)
    return Plan(first, list(dict.fromkeys([first, *plan.queries, *queries]))[:MOST_QUERIES], named, asked, earlier)


async def planned(turn: Turn, question: str, models: Models | None) -> Plan:
    before = turn.questions()[1:]
    plan = by_rules(question, before)
    if models is None:
        return plan
    said = "\n".join(f"Earlier: {label(each)}" for each in reversed(before[:3]))
    messages = [
        {"role": "system", "content": PLANNING},
        {"role": "user", "content": f"{said}\nThe last question: {question[:2000]}"},
    ]
    try:
        answer = await first_json(models.words(turn.valves.model, messages))
    except ModelTrouble as trouble:
        log.warning("document_search: no plan (%s %s)", trouble.status, trouble.code or trouble.detail)
        return plan
    return with_model(plan, answer, bool(before))
