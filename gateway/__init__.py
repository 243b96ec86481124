"""The Sekisho gateway: one OpenAI- and Anthropic-compatible door to every model of a company."""

__version__ = "0.1.0"
