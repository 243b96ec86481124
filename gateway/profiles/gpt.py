"""Families of OpenAI: GPT, the o models, gpt-oss."""

from gateway.profiles.family import Family
from gateway.profiles.family import row_of as _row

_OPENAI = "developers.openai.com/api/docs: models, reasoning, function calling, latest model"
_OPENAI_CHAT = "api.openai.com answers: 'Function tools with reasoning_effort are not supported … use /v1/responses'"
_OSS = "openai/gpt-oss model card and its chat template; docs.aws.amazon.com/bedrock"
_IMAGES = frozenset(("image", "document"))
_TEXT_ONLY: frozenset[str] = frozenset()
_UP_TO_HIGH = ("low", "medium", "high")
_FROM_NONE = ("none", *_UP_TO_HIGH, "xhigh")
_WHILE_REASONING = frozenset(
    ("stop", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "top_k")
)
"""Members that models which reason refuse."""

OPENAI: tuple[Family, ...] = (
    _row(
        "gpt",
        _OPENAI,
        thinking_member=None,
        most_tools=128,
        media=_IMAGES,
        inline_thinking=(),
        tool_call_id_pattern=r"[a-zA-Z0-9_-]{1,40}",
        most_stops=4,
        refused=frozenset(("top_k",)),
    ),
    _row("gpt", _OPENAI, "audio", media=frozenset(("image", "audio", "document"))),
    _row("gpt", _OPENAI, before=(4, 1), without=("4o",), media=_TEXT_ONLY, structured_output=False),
    _row("gpt", _OPENAI, "vision", "turbo", since=(4,), before=(4, 1), media=frozenset(("image",))),
    _row("gpt", _OPENAI, before=(4,), max_output_tokens=4096),
    _row("gpt", _OPENAI, "4o", max_output_tokens=16384),
    _row("gpt", _OPENAI, before=(5,), thinking="none", refused=frozenset(("verbosity",))),
    _row("gpt", _OPENAI, since=(4, 1), before=(4, 2), max_output_tokens=32768),
    _row(
        "gpt",
        _OPENAI,
        since=(5,),
        without=("chat",),
        sampling=False,
        custom_tools=True,
        refused=_WHILE_REASONING,
        max_tokens_member="max_completion_tokens",
        efforts=("minimal", *_UP_TO_HIGH),
        max_output_tokens=128000,
    ),
    _row("gpt", _OPENAI, "chat", since=(5,), thinking="none", max_tokens_member="max_completion_tokens"),
    _row(
        "gpt",
        _OPENAI,
        since=(5, 1),
        before=(5, 5),
        without=("chat",),
        sampling=True,
        sampling_while_reasoning=False,
        efforts=("none", *_UP_TO_HIGH),
    ),
    _row("gpt", _OPENAI, since=(5, 2), without=("chat",), efforts=_FROM_NONE),
    _row("gpt", _OPENAI, since=(5, 6), without=("chat",), efforts=(*_FROM_NONE, "max")),
    _row("gpt", _OPENAI, since=(6,), efforts=(*_UP_TO_HIGH, "xhigh", "max")),
    _row("gpt", _OPENAI_CHAT, since=(5, 4), without=("chat",), tools_need_responses=True),
    _row("gpt", _OPENAI, "codex", "pro", since=(5,), tools_need_responses=True),
    _row("gpt", _OPENAI, "pro", since=(5,), before=(5, 2), efforts=("high",)),
    _row(
        "o",
        _OPENAI,
        sampling=False,
        thinking_member=None,
        most_tools=128,
        inline_thinking=(),
        efforts=_UP_TO_HIGH,
        tool_call_id_pattern=r"[a-zA-Z0-9_-]{1,40}",
        refused=_WHILE_REASONING | {"parallel_tool_calls", "verbosity"},
        max_tokens_member="max_completion_tokens",
        max_output_tokens=100000,
        media=_IMAGES,
    ),
    _row("o", _OPENAI, "mini", before=(4,), media=_TEXT_ONLY),
    _row("o", _OPENAI, "preview", thinking="none", developer_role=False, media=_TEXT_ONLY, max_output_tokens=32768),
    _row("o", _OPENAI, "mini", before=(3,), thinking="none", developer_role=False, max_output_tokens=65536),
    _row("gpt-oss", _OSS, media=_TEXT_ONLY, efforts=_UP_TO_HIGH, thinking="always", thinking_member="reasoning"),
)
