"""What `sekisho client` reports: content that is printed, files that were written, the outcome of a check."""

from collections.abc import Callable, Sequence
from typing import Any

from install.client import writing
from install.client.documents import FORMATS, fresh
from install.client.documents.changes import dotted
from install.client.failures import Failure
from install.client.preparing import masked
from install.client.setup import Setup
from install.client.tool import File, Tool
from install.client.writing import Draft, Unwritable, joined
from install.errors import UsageError
from install.wording import say

Report = dict[str, Any]
"""As `--json` prints it."""


def _wanted(tool: Tool, setup: Setup, mcp: bool) -> Sequence[File]:
    if mcp and not tool.mcp(setup):
        raise UsageError(say("{title} takes no tool servers from a file.", title=tool.title), say("Leave --mcp away."))
    return [*tool.files(setup), *(tool.mcp(setup) if mcp else ())]


def printed(tool: Tool, setup: Setup, mcp: bool) -> Report:
    """Return the content of every file. Raises `UsageError`."""
    files = [_shown(fresh(FORMATS[each.format], each.content), each) for each in joined(_wanted(tool, setup, mcp))]
    return {**_about(tool, setup, mcp), "files": files}


def managed(tool: Tool, setup: Setup) -> Report:
    """Return what a company rolls out. Raises `UsageError` where the tool has no file for a machine."""
    files = tool.managed(setup)
    if not files:
        raise UsageError(
            say("{title} has no file for a whole machine.", title=tool.title),
            say("Roll out `sekisho client {name} --write` to each person instead.", name=tool.name),
        )
    shown = [_shown(fresh(FORMATS[each.format], each.content), each) for each in files]
    variables = dict(tool.managed_variables(setup))
    return {**_about(tool, setup), "steps": [], "variables": variables, "files": shown}


def _about(tool: Tool, setup: Setup, mcp: bool = False) -> Report:
    second = setup.small.id if tool.second else None
    return {
        "client": tool.name,
        "gateway": setup.root,
        "model": setup.model.id,
        "second_model": second,
        "variables": {**tool.variables(setup), **(tool.mcp_variables(setup) if mcp else {})},
        "steps": list(tool.steps(setup)),
    }


def written(tool: Tool, setup: Setup, mcp: bool, show: Callable[[Report], None]) -> Report:
    """Write every file, or none. Raises `Unwritable` after it showed what would have been written."""
    shown = masked(setup)
    drafts = _drafts(tool, setup, mcp)
    refused = managed_by(tool, setup) or next((each.why for each in drafts if each.why), None)
    if refused:
        show(printed(tool, shown, mcp))
        raise refused
    files = []
    for each in drafts:
        backup = writing.write(each)
        changed = [dotted(change.path) for change in each.changes] if each.before is not None else []
        files.append(
            {"path": str(each.path), "state": each.state, "changed": changed, "backup": backup and str(backup)}
        )
    return {**_about(tool, shown, mcp), "files": files}


def _drafts(tool: Tool, setup: Setup, mcp: bool) -> list[Draft]:
    """Return a draft a file: parts of one file are joined, so that it is written once."""
    return [writing.draft(each) for each in joined(_wanted(tool, setup, mcp))]


def managed_by(tool: Tool, setup: Setup) -> Unwritable | None:
    """Return why a tool that is managed on this machine is left alone; None where it is not."""
    path = next((path for each in tool.machine if (path := setup.places.machine / each).exists()), None)
    if path is None:
        return None
    return Unwritable(
        say(
            "{title} is managed on this machine ({path}): a file of yours would be overruled.",
            title=tool.title,
            path=path,
        ),
        say("Whoever manages it can enter what is shown."),
    )


def unwritten(tool: Tool, setup: Setup, mcp: bool) -> list[str]:
    """Return the files that do not say what they should."""
    return [str(each.path) for each in _drafts(tool, setup, mcp) if each.state != "unchanged"]


def _shown(content: str, file: File) -> Report:
    return {"path": str(file.path), "content": content}


def checked(failure: Failure | None) -> Report:
    """Return the outcome of a check."""
    if failure is None:
        return {"ok": True}
    return {"ok": False, "part": failure.part, "problem": failure.problem, "remedy": failure.remedy}
