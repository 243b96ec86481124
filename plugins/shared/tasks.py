"""Tasks: what Open WebUI asks a model by itself, such as a chat's title."""

import json
from typing import Any

from plugins.shared.json_values import LONGEST_LABEL, dict_of, items, words
from plugins.shared.types import Json


def task_answer(task: str, task_body: Json, body: Json) -> str:
    """Return the answer to a task without asking any model; empty, which Open WebUI takes as nothing, for others."""
    messages = items(task_body.get("messages")) or items(body.get("messages"))
    questions = [words(message.get("content")) for message in messages if dict_of(message).get("role") == "user"]
    answers: dict[str, Any] = {
        "title_generation": lambda: as_json(title=title_of(questions[0] if questions else "")),
        "tags_generation": lambda: as_json(tags=[]),
        "follow_up_generation": lambda: as_json(follow_ups=[]),
        "query_generation": lambda: as_json(queries=[questions[-1][:LONGEST_LABEL]] if questions else []),
        "autocomplete_generation": lambda: as_json(text=""),
        "emoji_generation": lambda: "💬",
        "image_prompt_generation": lambda: as_json(prompt=questions[-1] if questions else ""),
        "function_calling": lambda: as_json(tool_calls=[]),
        "moa_response_generation": lambda: "\n\n---\n\n".join(map(words, items(task_body.get("responses")))),
    }
    return str(answers.get(task, str)())


def as_json(**values: Any) -> str:
    return json.dumps(values, ensure_ascii=False)


def title_of(question: str) -> str:
    """Return the first line, cut at the end of a word: 40 columns, of which a Japanese letter takes two."""
    line = " ".join(next(iter(question.strip().splitlines()), "").split())
    width, end = 0, 0
    for end, letter in enumerate(line, 1):  # noqa: B007
        width += 1 if ord(letter) < 0x1100 else 2
        if width > 40:
            break
    else:
        return line
    kept = line[: end - 1]
    return f"{kept.rsplit(' ', 1)[0] if ' ' in kept[10:] else kept}…"
