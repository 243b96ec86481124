"""Claude Code's settings for the models of a gateway."""

from gateway.presets.model import Model


def environment(model: Model, small: Model) -> dict[str, str | None]:
    """Return its environment variables; None for one that must not be set."""
    return {
        "ANTHROPIC_DEFAULT_OPUS_MODEL": model.id,
        "ANTHROPIC_DEFAULT_SONNET_MODEL": model.id,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": small.id,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",
        "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1",
        **_unknown_to_claude_code(model),
    }


def _unknown_to_claude_code(model: Model) -> dict[str, str | None]:
    """Return what a model that is not Anthropic's needs: its window, no deferred tools, no trial features."""
    window = str(model.window) if model.window and not model.is_claude else None
    switches: dict[str, str | None] = {"ENABLE_TOOL_SEARCH": "false", "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1"}
    return {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": window, **({} if model.is_claude else switches)}
