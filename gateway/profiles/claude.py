"""Families of Claude."""

from gateway.profiles.family import Family
from gateway.profiles.family import row_of as _row

_ANTHROPIC = "platform.claude.com/docs: models overview, migration guides, what's new in Claude 4.6 to 5.5"
_UP_TO_HIGH = ("low", "medium", "high")
_LADDER = (*_UP_TO_HIGH, "xhigh", "max")

CLAUDE: tuple[Family, ...] = (
    _row(
        "claude",
        _ANTHROPIC,
        media=frozenset(("image", "document")),
        cache_marks=True,
        developer_role=False,
        thinking_member=None,
    ),
    _row("claude", _ANTHROPIC, before=(5,), system_anywhere=False),
    _row("claude", _ANTHROPIC, before=(3, 7), thinking="none", max_output_tokens=4096),
    _row("claude", _ANTHROPIC, before=(4, 1), structured_output=False),
    _row("claude", _ANTHROPIC, since=(3, 5), before=(3, 6), max_output_tokens=8192),
    _row("claude", _ANTHROPIC, since=(3, 7), before=(4, 6), thinking="budget", max_output_tokens=64000),
    _row("claude", _ANTHROPIC, "opus", since=(4,), before=(4, 5), max_output_tokens=32000),
    _row("claude", _ANTHROPIC, since=(3, 7), before=(5,), forced_tools_while_reasoning=False),
    _row("claude", _ANTHROPIC, since=(3, 7), before=(4, 7), sampling_while_reasoning=False),
    _row("claude", _ANTHROPIC, since=(4, 1), temperature_with_top_p=False),
    _row("claude", _ANTHROPIC, "opus", since=(4, 5), before=(4, 6), efforts=_UP_TO_HIGH),
    _row(
        "claude",
        _ANTHROPIC,
        since=(4, 6),
        thinking="adaptive",
        efforts=(*_UP_TO_HIGH, "max"),
        prefill=False,
        max_output_tokens=64000,
    ),
    _row("claude", _ANTHROPIC, "opus", since=(4, 6), max_output_tokens=128000),
    _row("claude", _ANTHROPIC, since=(4, 7), efforts=_LADDER, sampling=False, max_output_tokens=128000),
    _row("claude", _ANTHROPIC, "fable", "mythos", since=(5,), thinking="always"),
    _row("claude", _ANTHROPIC, "fable", "mythos", since=(5, 1), forced_tools=False),
    _row("claude", _ANTHROPIC, "opus", "sonnet", since=(5, 5), thinking="always", forced_tools=False),
)
