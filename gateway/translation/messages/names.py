"""Words of Messages and what they mean in the canonical form."""

from gateway.translation.answer import EndReason

DIALECT = "messages"

ENDS: dict[object, EndReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "pause_turn": "pause",
}
STOP_REASONS: dict[EndReason, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "refusal": "refusal",
    "content_filter": "refusal",
    "pause": "pause_turn",
}

FOREIGN_BLOCKS = frozenset(
    (
        "advisor_tool_result",
        "bash_code_execution_tool_result",
        "browser_state",
        "code_execution_tool_result",
        "compaction",
        "container_upload",
        "fallback",
        "mcp_tool_listing",
        "mcp_tool_result",
        "mcp_tool_use",
        "server_tool_use",
        "text_editor_code_execution_tool_result",
        "tool_addition",
        "tool_removal",
        "tool_search_tool_result",
        "web_fetch_tool_result",
        "web_search_tool_result",
    )
)
"""Blocks that only Messages knows (platform.claude.com/docs/en/api/messages, with the betas of November 2026)."""

REQUEST_TIERS = {"standard_only": "default"}
ANSWER_TIERS = {"standard": "default"}
"""Service tiers whose canonical name is another."""

WHOLE = "sekisho_block"
"""Where `own` has a block that became a part of another kind, as it came."""
RAW_ARGUMENTS = "_raw_arguments"
"""The one member of a tool's input whose arguments are no JSON object: the text that the model wrote."""

REQUEST = frozenset(
    (
        "model",
        "messages",
        "system",
        "max_tokens",
        "stream",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "output_format",
        "metadata",
        "service_tier",
        "cache_control",
    )
)
"""Members of a request that have a canonical place."""
IGNORABLE = frozenset(
    ("anthropic_beta", "anthropic_version", "cache_control", "context_management", "diagnostics", "thinking")
)
"""Members that mean nothing to an upstream of another dialect: hints, and how much of its reasoning is shown."""
