"""From the question to the answer."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from plugins.document_search.asking_back import asked_back
from plugins.document_search.extracting import extracted
from plugins.document_search.passages import Piece
from plugins.document_search.planning import planned
from plugins.document_search.searching import searched
from plugins.document_search.turn import Turn, question_of
from plugins.document_search.writing import model_answer, models_of
from plugins.shared.models import usage_of


async def answered(turn: Turn) -> AsyncGenerator[Piece, None]:
    text, question = turn.text, question_of(turn)
    await turn.say(text["planning"])
    models = await models_of(turn)
    plan = await planned(turn, question, models)
    await turn.say(text["searching"].format(queries=text["list"].join(plan.queries)))
    found = await searched(turn, plan)
    turn.ending, turn.documents = "done", found.documents
    if not found.names:
        yield Piece("text", text["nowhere"])
    elif back := asked_back(turn, plan, found):
        turn.ending = "asked_back"
        yield Piece("text", back)
    elif models and turn.valves.answer != "extract" and found.best:
        async with aclosing(model_answer(turn, plan, found, models)) as pieces:
            async for piece in pieces:
                yield piece
    else:
        yield Piece("text", await asyncio.to_thread(extracted, turn, plan, found))
    if models and models.spent.calls:
        yield Piece("usage", usage_of(models.spent))
