"""From LiteLLM's file to ours: read, convert, write, tell."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from gateway.importing.deployments import Importer
from gateway.importing.findings import KINDS, Finding, Findings
from gateway.importing.models import Models
from gateway.importing.settings import Settings
from gateway.importing.source import read
from gateway.importing.tool_servers import ToolServers
from gateway.importing.values import Values
from gateway.importing.writing import problems, write


class Imported(msgspec.Struct, frozen=True):
    """The result."""

    files: list[Path]
    findings: list[Finding]
    variables: dict[str, str]
    """Of the environment, with the setting that each is for."""
    models: int
    problems: list[str]
    """What is to mend before the result loads; empty where it does."""

    def counts(self) -> dict[str, int]:
        """Return how many findings there are of each kind."""
        found = Counter(finding.kind for finding in self.findings)
        return {kind: found[kind] for kind in KINDS}


def import_litellm(file: Path, folder: Path) -> Imported:
    """Write our configuration of a LiteLLM configuration into a folder. Raises `ConfigError`."""
    source, values = read(file), Values()
    findings = Findings(source)
    importer = Importer(findings, values, _credentials(source.data.get("credential_list")))
    models = Models(source, importer)
    settings = Settings(source, findings, values)
    tools = ToolServers(source, findings, values)
    files = write(
        folder, {**settings.config, **tools.config}, models.by_cloud(), "".join(c for c in file.name if c.isprintable())
    )
    return Imported(
        files, findings.complete(), values.variables, len(models.models), problems(folder, values.variables)
    )


def _credentials(value: Any) -> dict[str, dict[str, Any]]:
    """Return the values of `credential_list` by name."""
    rows = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    found = {str(each.get("credential_name")): each.get("credential_values") for each in rows}
    return {name: told for name, told in found.items() if isinstance(told, dict)}
