"""The agent's answer, in order, with signs of life."""

import asyncio
import time
from collections.abc import AsyncGenerator

from plugins.agents.calling import pump
from plugins.agents.pieces import Piece
from plugins.agents.progress import Said
from plugins.agents.turn import Turn, chosen
from plugins.shared.trouble import Trouble

WAITING_PIECES = 256  # read from the agent and not yet shown
SLOWEST_HEARTBEAT = 300  # seconds


async def relay(turn: Turn) -> AsyncGenerator[Piece, None]:
    """Yield what the agent says, in order; trouble comes last, as a sentence. Leaving early closes the connection."""
    text, started = turn.text, time.monotonic()
    said = Said(turn.agent_id)
    waits, reader = turn.valves.heartbeat_seconds, None
    try:
        agent = await chosen(turn)
        said.name = agent.name
        queue: asyncio.Queue[Piece | None] = asyncio.Queue(WAITING_PIECES)
        reader = asyncio.create_task(pump(turn, agent, queue))
        while True:
            try:
                async with asyncio.timeout(waits):
                    piece = await queue.get()
            except TimeoutError:
                waits = max(waits, min(waits * 1.5, SLOWEST_HEARTBEAT))
                if line := said.at_work(text, started):
                    await turn.say(line, done=False)
                continue
            if piece is None:
                break
            if piece.kind in ("status", "tool"):
                waits = turn.valves.heartbeat_seconds
            if said.note(piece):
                await turn.say(**piece.value)
            elif piece.kind != "status":
                yield piece
        said.check()
    except Trouble as trouble:
        yield Piece("trouble", text[trouble.key].format(**{"name": said.name, **trouble.said}))
    finally:
        if reader:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        if turn.status:
            seconds = round(time.monotonic() - started)
            await turn.say(text["worked"].format(name=said.name, seconds=seconds), done=True)
