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
    """`id` is what `--ignore` takes."""

    id: str
    check: Check
    severity: Severity = "error"


RULES: tuple[Rule, ...] = (
    Rule("plugin-class", file.plugin_class),
    Rule("frontmatter-start", file.frontmatter_start),
    Rule("frontmatter-keys", file.frontmatter_keys),
    Rule("frontmatter-line", file.frontmatter_line, "warning"),
    Rule("frontmatter-version", file.frontmatter_version),
    Rule("frontmatter-id", file.frontmatter_id),
    Rule("requirements", file.requirements),
    Rule("rewritten-text", file.rewritten_text),
    Rule("future-import", file.future_import),
    Rule("foreign-import", file.foreign_import),
    Rule("type-by-import", file.type_by_import),
    Rule("print-call", file.print_call),
    Rule("hook-missing", hooks.hook_missing),
    Rule("hook-sync", hooks.hook_sync),
    Rule("hook-first-argument", hooks.hook_first_argument),
    Rule("hook-argument", hooks.hook_argument),
    Rule("hook-rest", hooks.hook_rest),
    Rule("hook-returns-nothing", hooks.hook_returns_nothing),
    Rule("task-ignored", hooks.task_ignored),
    Rule("state-on-self", hooks.state_on_self),
    Rule("valves-read-twice", hooks.valves_read_twice),
    Rule("tool-helper", hooks.tool_helper),
    Rule("tool-undescribed", hooks.tool_undescribed),
    Rule("tool-untyped", hooks.tool_untyped),
    Rule("valves-not-set", valves.valves_not_set),
    Rule("valve-default", valves.valve_default),
    Rule("not-awaited", awaiting.not_awaited),
    Rule("blocking-call", awaiting.blocking_call),
    Rule("language-missing", texts.language_missing),
    Rule("text-missing", texts.text_missing),
    Rule("text-placeholders", texts.text_placeholders),
    Rule("text-language", texts.text_language),
    Rule("text-in-code", texts.text_in_code),
    Rule("status-done", status.status_done),
    Rule("status-left-open", status.status_left_open),
)

COMPARISONS: tuple[tuple[str, Comparison], ...] = (
    ("valve-lost", valves.valve_lost),
    ("valve-type", valves.valve_type),
)
"""With the version that an instance has, or the last commit."""

SYNTAX = "syntax"
IDS = frozenset({SYNTAX, *(rule.id for rule in RULES), *(id for id, _ in COMPARISONS)})
