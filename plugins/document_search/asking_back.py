"""Asking back where a question says too little."""

import re

from plugins.document_search.extracting import MOST_NAMED, text_list
from plugins.document_search.plain import plain
from plugins.document_search.planning import Plan
from plugins.document_search.searching import Found
from plugins.document_search.turn import Turn

INTERROGATIVE = re.compile(
    r"何|誰|だれ|いつ|どこ|どの|どう|なぜ|いくら|いくつ|意味|\b(what|who|when|where|why|how|which)\b", re.IGNORECASE
)


def asked_back(turn: Turn, plan: Plan, found: "Found") -> str:
    """Return a question for the person if theirs says too little to be answered, else an empty text."""
    text, shown = turn.text, text_list(turn, found.names)
    if not plan.named:
        return f"{text['vague']}\n\n{text['known'].format(names=shown)}"
    if len(plan.named) > 1 or INTERROGATIVE.search(plan.question) or len(plan.question) > len(plan.named[0]) + 8:
        return ""
    alike = [each.passage.name for each in found.best if each.words > 0.6 * found.best[0].words > 0]
    names = list(dict.fromkeys(alike))[:MOST_NAMED]
    if len(names) < 3:
        return ""
    listed = "\n".join(f"- {plain(name)}" for name in names)
    return f"{text['which'].format(word=plain(plan.named[0]))}\n\n{listed}"
