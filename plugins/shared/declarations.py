"""Names that each plugin defines in modules of its own and shared ones use. For the type checker; never joined."""

I18N: dict[str, dict[str, str]]
"""What Open WebUI shows of the plugin, by locale (`en-US`, `ja-JP`): `name`, `description`, titles of valves."""

TEXT: dict[str, dict[str, str]]
"""What the plugin says while it runs, by language (`en`, `ja`)."""
