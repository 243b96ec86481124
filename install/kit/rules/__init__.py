"""The table of rules. A rule is a pure function of a parsed file (some also of its former version)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from install.kit.finding import Hit, Severity
from install.kit.rules import awaiting, file, hooks, status, texts, valves
from install.kit.source import Source

Check = Callable[[Source], Iterator[Hit]]
Comparison = Callable[[Source, Source], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """`id` is what `--ignore` takes.

    An error breaks at run time, a warning is risky, style is the pack's own taste.
    """

    id: str
    check: Check
    severity: Severity = "error"


RULES: tuple[Rule, ...] = (
    Rule("plugin-class", file.plugin_class),
    Rule("frontmatter-start", file.frontmatter_start, "warning"),
    Rule("frontmatter-keys", file.frontmatter_keys, "style"),
    Rule("frontmatter-line", file.frontmatter_line, "warning"),
    Rule("frontmatter-version", file.frontmatter_version, "style"),
    Rule("frontmatter-id", file.frontmatter_id, "style"),
    Rule("requirements", file.requirements, "warning"),
    Rule("rewritten-text", file.rewritten_text, "warning"),
    Rule("future-import", file.future_import, "warning"),
    Rule("foreign-import", file.foreign_import),
    Rule("type-by-import", file.type_by_import, "warning"),
    Rule("print-call", file.print_call, "style"),
    Rule("hook-missing", hooks.hook_missing),
    Rule("hook-sync", hooks.hook_sync, "warning"),
    Rule("hook-first-argument", hooks.hook_first_argument),
    Rule("hook-argument", hooks.hook_argument),
    Rule("hook-rest", hooks.hook_rest, "warning"),
    Rule("hook-returns-nothing", hooks.hook_returns_nothing),
    Rule("task-ignored", hooks.task_ignored, "warning"),
    Rule("state-on-self", hooks.state_on_self, "warning"),
    Rule("valves-read-twice", hooks.valves_read_twice, "style"),
    Rule("tool-helper", hooks.tool_helper, "warning"),
    Rule("tool-undescribed", hooks.tool_undescribed, "warning"),
    Rule("tool-untyped", hooks.tool_untyped, "warning"),
    Rule("valves-not-set", valves.valves_not_set),
    Rule("valve-default", valves.valve_default),
    Rule("not-awaited", awaiting.not_awaited),
    Rule("blocking-call", awaiting.blocking_call, "warning"),
    Rule("language-missing", texts.language_missing, "style"),
    Rule("text-missing", texts.text_missing, "style"),
    Rule("text-placeholders", texts.text_placeholders, "warning"),
    Rule("text-language", texts.text_language, "style"),
    Rule("text-in-code", texts.text_in_code, "style"),
    Rule("status-done", status.status_done, "warning"),
    Rule("status-left-open", status.status_left_open, "warning"),
)

COMPARISONS: tuple[tuple[str, Comparison], ...] = (
    ("valve-lost", valves.valve_lost),
    ("valve-type", valves.valve_type),
)
"""With the version that an instance has, or the last commit."""

SYNTAX = "syntax"
IDS = frozenset({SYNTAX, *(rule.id for rule in RULES), *(id for id, _ in COMPARISONS)})
