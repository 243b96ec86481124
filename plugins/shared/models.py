"""The gateway's models, asked on behalf of a person."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from open_webui.env import AIOHTTP_CLIENT_SESSION_SSL

from plugins.shared.asker import signed
from plugins.shared.json_values import dict_of, dicts, words
from plugins.shared.types import Json

MODEL_SILENCE_SECONDS = 300
LONGEST_MODEL_LINE = 4_000_000  # bytes
LONGEST_REFUSAL = 100_000  # bytes
LONGEST_MODEL_ANSWER = 1_000_000  # characters


class ModelTrouble(Exception):
    """A model call that failed. `status`: HTTP status, 0 where nothing came; `code` as the gateway calls it."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


@dataclass
class Spent:
    """Sums over the calls of one run; `usd` is what the gateway told."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0

    def add(self, usage: dict[str, Any]) -> None:
        counted = {key: value for key, value in usage.items() if isinstance(value, int | float)}
        self.input_tokens += int(counted.get("prompt_tokens", 0))
        self.output_tokens += int(counted.get("completion_tokens", 0))
        self.usd += float(counted.get("cost", 0))


@dataclass
class Models:
    """The gateway's models, asked as this person. `run`: one id for all calls of an answer, the ledger's message_id."""

    url: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    user: dict[str, Any] = field(repr=False)
    with_email: bool
    task: str
    chat_id: str
    run: str
    spent: Spent = field(default_factory=Spent)

    async def text(self, model: str, messages: list[dict[str, Any]], **options: Any) -> str:
        """Return the whole answer. Raises ModelTrouble."""
        async with aclosing(self.words(model, messages, **options)) as words:
            return "".join([word async for word in words])

    async def words(self, model: str, messages: list[dict[str, Any]], **options: Any) -> AsyncGenerator[str, None]:
        """Yield the answer as it comes. Leaving early closes the connection, and the gateway stops the model.

        Raises ModelTrouble.
        """
        body = {"model": model, "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
        self.spent.calls += 1
        length, usage = 0, dict[str, Any]()
        try:
            async with aclosing(self._chunks({**body, **options})) as chunks:
                async for chunk in chunks:
                    if error := dict_of(chunk.get("error")):
                        raise ModelTrouble(0, str(error.get("code") or ""), str(error.get("message") or "")[:500])
                    usage = dict_of(chunk.get("usage")) or usage  # some tell a running total
                    for choice in dicts(chunk.get("choices")):
                        if word := words(dict_of(choice.get("delta")).get("content")):
                            length += len(word)
                            yield word
                    if length > LONGEST_MODEL_ANSWER:
                        return
        finally:
            self.spent.add(usage)

    async def _chunks(self, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        timeout = aiohttp.ClientTimeout(total=None, connect=10, sock_read=MODEL_SILENCE_SECONDS)
        options: dict[str, Any] = {"timeout": timeout, "trust_env": True, "read_bufsize": LONGEST_MODEL_LINE // 2}
        try:
            async with (
                aiohttp.ClientSession(**options) as session,
                session.post(
                    f"{self.url.strip().rstrip('/')}/chat/completions",
                    json=body,
                    headers=await self._headers(),
                    ssl=AIOHTTP_CLIENT_SESSION_SSL,
                    allow_redirects=False,
                ) as answer,
            ):
                if answer.status != 200:
                    raise refusal(answer.status, await beginning(answer.content))
                async for line in answer.content:
                    if line.startswith(b"data:") and (data := line[5:].strip()) != b"[DONE]":
                        chunk = json.loads(data)
                        if isinstance(chunk, dict):
                            yield chunk
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise ModelTrouble(0, "", type(error).__name__) from error

    async def _headers(self) -> dict[str, str]:
        ids = {"X-OpenWebUI-Chat-Id": self.chat_id, "X-Sekisho-Message-Id": self.run, "X-Sekisho-Task": self.task}
        return {
            "Authorization": f"Bearer {self.key}",
            "X-OpenWebUI-User-Jwt": await signed(self.user, self.secret, self.with_email),
            "X-Sekisho-Class": "agent",
            **{name: value for name, value in ids.items() if value},
        }


async def beginning(stream: Any) -> bytes:
    """Read as much of a response as a refusal needs."""
    raw = b""
    while len(raw) < LONGEST_REFUSAL and (part := await stream.read(LONGEST_REFUSAL)):
        raw += part
    return raw


def refusal(status: int, raw: bytes) -> ModelTrouble:
    try:
        error = json.loads(raw).get("error") or {}
        return ModelTrouble(status, str(error.get("code") or ""), str(error.get("message") or "")[:500])
    except (ValueError, AttributeError):
        return ModelTrouble(status, "", "")


def usage_of(spent: Spent) -> Json:
    """Return the sums as OpenAI's `usage`; without `cost` where no call had a price."""
    tokens = {"prompt_tokens": spent.input_tokens, "completion_tokens": spent.output_tokens}
    return {**tokens, "total_tokens": sum(tokens.values()), **({"cost": round(spent.usd, 9)} if spent.usd else {})}
