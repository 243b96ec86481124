"""The tools that `sekisho client` knows: a row each."""

from install.client.tool import Tool
from install.client.tools import agents, claude_code, codex, editors, libraries

TOOLS: tuple[Tool, ...] = (
    Tool(
        "claude-code",
        "Claude Code",
        "messages",
        claude_code.claude_code,
        managed=claude_code.claude_code_managed,
        machine=(
            "etc/claude-code/managed-settings.json",
            "Library/Application Support/ClaudeCode/managed-settings.json",
            "ProgramData/ClaudeCode/managed-settings.json",
        ),
        mcp=claude_code.claude_code_mcp,
        takes_command=True,
        second=True,
    ),
    Tool(
        "codex",
        "Codex",
        "responses",
        codex.codex,
        managed=codex.codex_managed,
        machine=("etc/codex/managed_config.toml", "etc/codex/requirements.toml"),
        mcp=codex.codex_mcp,
        mcp_variables=codex.codex_mcp_variables,
        takes_command=True,
    ),
    Tool(
        "opencode",
        "opencode",
        "chat",
        agents.opencode,
        managed=agents.opencode_managed,
        machine=(
            "etc/opencode/opencode.json",
            "Library/Application Support/opencode/opencode.json",
            "ProgramData/opencode/opencode.json",
        ),
        mcp=agents.opencode_mcp,
        second=True,
    ),
    Tool("cline", "Cline", "chat", agents.cline, mcp=agents.cline_mcp),
    Tool("roo-code", "Roo Code", "chat", editors.roo_code, editors.roo_code_steps, second=True),
    Tool("kilo-code", "Kilo Code", "chat", agents.kilo_code, second=True),
    Tool("continue", "Continue", "chat", agents.continue_dev, mcp=agents.continue_mcp),
    Tool(
        "qwen-code",
        "Qwen Code",
        "chat",
        agents.qwen_code,
        managed=agents.qwen_code_managed,
        machine=(
            "etc/qwen-code/settings.json",
            "Library/Application Support/QwenCode/settings.json",
            "ProgramData/qwen-code/settings.json",
        ),
        mcp=agents.qwen_code_mcp,
        second=True,
    ),
    Tool(
        "gemini-cli",
        "Gemini CLI",
        "gemini",
        agents.gemini_cli,
        agents.gemini_cli_steps,
        managed=agents.gemini_cli_managed,
        managed_variables=agents.gemini_cli_variables,
        machine=(
            "etc/gemini-cli/settings.json",
            "Library/Application Support/GeminiCli/settings.json",
            "ProgramData/gemini-cli/settings.json",
        ),
    ),
    Tool("aider", "aider", "chat", agents.aider, second=True),
    Tool("zed", "Zed", "chat", editors.zed, variables=editors.zed_variables, second=True),
    Tool("jetbrains", "JetBrains AI Assistant", "chat", steps=editors.jetbrains_steps, second=True),
    Tool("copilot", "GitHub Copilot", "chat", editors.copilot, editors.copilot_steps),
    Tool("cursor", "Cursor", "chat", steps=editors.cursor_steps),
    Tool("llama-vscode", "llama.vscode", "infill", editors.llama_vscode, editors.llama_vscode_steps),
    Tool("openai-sdk", "OpenAI SDK", "chat", libraries.openai_sdk, libraries.openai_steps),
    Tool("anthropic-sdk", "Anthropic SDK", "messages", libraries.anthropic_sdk, libraries.openai_steps),
    Tool("librechat", "LibreChat", "chat", libraries.librechat, libraries.librechat_steps, second=True),
    Tool("n8n", "n8n", "chat", steps=libraries.n8n_steps, managed=libraries.n8n_credential),
)
"""In the order of `sekisho client --help`."""

BY_NAME = {tool.name: tool for tool in TOOLS}
