"""GET /v1/audio/voices: what Open WebUI offers to who sets speech up. It asks without a key, and learns only names."""

from starlette.types import Receive, Scope, Send

from gateway import wire
from gateway.api.client import Answer
from gateway.runtime import Runtime
from gateway.translation.audio.speech import GEMINI_VOICES, VOICES


class Voices:
    """Lists OpenAI's voices, which every model of speech takes here, and Gemini's where it speaks."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        targets = self._runtime.current.routes.all_targets()
        speaks = any(target.model.mode == "speech" and target.speaks("gemini") for target in targets)
        names = (*VOICES, *(GEMINI_VOICES if speaks else ()))
        found = {"voices": [{"id": name, "name": name} for name in names]}
        await Answer(send).whole(200, [], wire.encode(found))
