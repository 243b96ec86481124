"""Families of the other vendors."""

from gateway.profiles.family import Family
from gateway.profiles.family import row_of as _row

_GOOGLE = "ai.google.dev/gemini-api/docs: OpenAI compatibility, thinking, function calling"
_DEEPSEEK = "api-docs.deepseek.com: thinking mode, create chat completion"
_QWEN = "model cards and chat templates on huggingface.co/Qwen"
_MOONSHOT = "platform.moonshot.ai/docs; model cards on huggingface.co/moonshotai"
_ZAI = "docs.z.ai; model cards on huggingface.co/zai-org"
_MISTRAL = "docs.mistral.ai/api; answers 3230 'Unexpected role user after role tool', 3280 'tool call id'"
_META = "chat templates on huggingface.co/meta-llama; docs.aws.amazon.com/bedrock: tool use"
_AWS = "docs.aws.amazon.com/nova: extended thinking, inference parameters"
_XAI = "docs.x.ai: reasoning, parameters that are not supported by reasoning models"
_COHERE = "docs.cohere.com: compatibility API, tool use"
_GEMMA = "chat templates on huggingface.co/google: no system role of its own"
_MINIMAX = "model cards on huggingface.co/MiniMaxAI: reasoning goes back with the history"
_TEXT_ONLY: frozenset[str] = frozenset()
_UP_TO_HIGH = ("low", "medium", "high")

OTHERS: tuple[Family, ...] = (
    _row(
        "gemini",
        _GOOGLE,
        media=frozenset(("image", "audio", "document")),
        developer_role=False,
        thinking_member=None,
        max_output_tokens=65536,
        tool_name_pattern=r"[a-zA-Z_][a-zA-Z0-9_.-]{0,63}",
        inline_thinking=("thought", "think"),
    ),
    _row("gemini", _GOOGLE, before=(3,), structured_output_with_tools=False),
    _row("gemini", _GOOGLE, before=(2, 5), thinking="none", max_output_tokens=8192),
    _row("gemini", _GOOGLE, since=(2, 5), before=(3,), thinking="budget", efforts=("none", "minimal", *_UP_TO_HIGH)),
    _row("gemini", _GOOGLE, "pro", since=(2, 5), before=(3,), efforts=("minimal", *_UP_TO_HIGH)),
    _row("gemini", _GOOGLE, since=(3,), thinking="always", efforts=("minimal", *_UP_TO_HIGH)),
    _row("gemini", _GOOGLE, since=(3,), unversioned=True, media_in_results=True, signed_calls=True),
    _row("gemma", _GEMMA, developer_role=False, system_anywhere=False),
    _row("deepseek", _DEEPSEEK, media=_TEXT_ONLY, before=(4,)),
    _row("deepseek", _DEEPSEEK, developer_role=False, text_lists=False),
    _row("deepseek", _DEEPSEEK, "r", before=(2,), thinking="always"),
    _row(
        "deepseek",
        _DEEPSEEK,
        since=(3, 1),
        without=("r", "reasoner"),
        thinking_switch="template:thinking",
        unversioned=True,
    ),
    _row("qwen", _QWEN, developer_role=False, system_anywhere=False),
    _row("qwen", _QWEN, before=(3,), without=("qwq", "qvq"), thinking="none"),
    _row(
        "qwen",
        _QWEN,
        since=(3,),
        without=("coder", "instruct", "thinking"),
        thinking_switch="template:enable_thinking",
    ),
    _row("qwen", _QWEN, "coder", "instruct", since=(3,), thinking="none"),
    _row("qwen", _QWEN, "qwq", "qvq", "thinking", thinking="always"),
    _row("kimi", _MOONSHOT, developer_role=False, tool_call_id_pattern=r"[a-zA-Z0-9_.:-]{1,64}"),
    _row("kimi", _MOONSHOT, "thinking", thinking="always"),
    _row("kimi", _MOONSHOT, since=(2, 5), without=("thinking",), thinking_switch="template:thinking"),
    _row("glm", _ZAI, developer_role=False),
    _row("glm", _ZAI, since=(4, 5), thinking_switch="template:enable_thinking"),
    _row(
        "mistral",
        _MISTRAL,
        developer_role=False,
        tool_call_id_pattern=r"[a-zA-Z0-9]{9}",
        user_after_tool=False,
    ),
    _row("mistral", _MISTRAL, "magistral", thinking="always", thinking_member="content"),
    _row("llama", _META, developer_role=False),
    _row("llama", _META, before=(4,), media=_TEXT_ONLY, without=("vision", "90b", "11b")),
    _row("nova", _AWS, developer_role=False, media=frozenset(("image", "document"))),
    _row("nova", _AWS, "micro", media=_TEXT_ONLY),
    _row("nova", _AWS, before=(2,), thinking="none", max_output_tokens=10000),
    _row("nova", _AWS, since=(2,), efforts=_UP_TO_HIGH, max_output_tokens=65536),
    _row("grok", _XAI, developer_role=False),
    _row(
        "grok",
        _XAI,
        since=(4,),
        before=(4, 3),
        without=("non",),
        refused=frozenset(("presence_penalty", "frequency_penalty", "stop", "reasoning_effort")),
    ),
    _row("grok", _XAI, "mini", since=(3,), before=(4,), efforts=("low", "high")),
    _row("command", _COHERE, developer_role=False, media=_TEXT_ONLY, without=("vision",)),
    _row("command", _COHERE, without=("reasoning", "plus"), thinking="none"),
    _row("command", _COHERE, "r", thinking="none"),
    _row("command", _COHERE, "r", without=("7b",), forced_tools=False),
    _row("minimax", _MINIMAX, developer_role=False, thinking="always"),
)
