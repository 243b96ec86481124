"""The beginning of a run."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

from plugins.research.budget import Budget
from plugins.research.readable import readable
from plugins.research.run import LONGEST_QUERY, Run, Source
from plugins.research.searching import places_of
from plugins.research.texts import TEXT
from plugins.research.turn import Turn
from plugins.shared.connection import connection_key
from plugins.shared.json_values import dict_of, dicts, items, label, words
from plugins.shared.language import user_language
from plugins.shared.models import Models
from plugins.shared.trouble import Trouble
from plugins.shared.types import Json


def language_of(question: str, wanted: str, page: str) -> str:
    """Return the report's language: Kana is Japanese, a question without Japanese letters English; else the page's."""
    if wanted != "asked":
        return wanted
    if re.search(r"[\u3040-\u30ff]", question):
        return "ja"
    return page if re.search(r"[\u3400-\u9fff]", question) else "en"


def attached(metadata: Json) -> Iterator[Source]:
    """Yield what Open WebUI found in the attached files; it stands first among the citations, in this order."""
    found: dict[str, Source] = {}
    for item in dicts(metadata.get("sources")):
        about = dict_of(item.get("source"))
        notes = [dict_of(note) for note in items(item.get("metadata"))]
        for at, passage in enumerate(items(item.get("document"))):
            note = notes[at] if at < len(notes) else {}
            key = str(note.get("source") or about.get("id") or "N/A")
            name = label(note.get("name")) or label(about.get("name")) or key
            source = found.setdefault(key, Source(key, name, private=True, shown=True))
            source.text = f"{source.text}\n\n{readable(words(passage))}".strip()
    yield from found.values()


async def begun(turn: Turn, valves: Any, choice: Any) -> Run:
    """Start a run. Raises Trouble if there is nothing to do, to ask or to search."""
    length, limit = len(turn.question), valves.longest_question
    if not length:
        raise Trouble("no_question")
    if length > limit:
        raise Trouble("too_long", length=f"{length:,}", limit=f"{limit:,}")
    if lacking := [name for name in ("gateway_url", "secret", "model") if not getattr(valves, name).strip()]:
        raise Trouble("settings", what=", ".join(lacking))
    if (key := await connection_key(valves.gateway_url)) is None:
        raise Trouble("no_connection")
    ids = {name: str(turn.metadata.get(name) or "") for name in ("chat_id", "message_id")}
    models = Models(
        valves.gateway_url,
        key,
        valves.secret,
        turn.user,
        valves.email,
        "research",
        ids["chat_id"],
        ids["message_id"] or str(uuid.uuid4()),
    )
    limits = {name: float(getattr(valves, f"max_{name}")) for name in ("calls", "tokens", "usd", "minutes")}
    text = TEXT[language_of(turn.question, choice.language, user_language(turn.metadata, turn.request))]
    run = Run(turn, valves, choice, models, Budget(limits, models.spent), await places_of(turn, valves), text)
    run.questions = [label(turn.question)[:LONGEST_QUERY]]
    for source in attached(turn.metadata):
        run.take(source, 1.0)
    if not run.places and not run.sources:
        raise Trouble("nowhere")
    return run
