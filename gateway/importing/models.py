"""LiteLLM's groups of models, aliases, wildcards and fallbacks as our models."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from gateway.config.document import Key
from gateway.importing.deployments import Importer
from gateway.importing.findings import Kind
from gateway.importing.making import Deployed
from gateway.importing.source import Source
from gateway.importing.values import number
from gateway.importing.vendors import VENDORS, vendor_of
from gateway.profiles.known import models_of

_NAME = re.compile(r"[\s\x00-\x1f\x7f]+")
_LONGEST_NAME = 256
_FALLBACKS: Mapping[str, tuple[Kind, str]] = {
    "fallbacks": ("exact", "'fallback' of the model"),
    "context_window_fallbacks": (
        "approximate",
        "'fallback' of the model: one with a larger window takes what is too long",
    ),
    "default_fallbacks": ("approximate", "'fallback' of every model that has none"),
}
_SECTIONS = ("router_settings", "litellm_settings")


class Models:
    """Our models, in the order of the file."""

    def __init__(self, source: Source, importer: Importer) -> None:
        self.source, self.importer = source, importer
        self.models: dict[str, dict[str, Any]] = {}
        self.clouds: dict[str, str] = {}
        """By model, the file that it stands in."""
        for key, entry in source.items("model_list"):
            self._take(key, entry)
        self._aliases()
        self._fallbacks()
        self._everywhere()

    def _take(self, key: Key, entry: dict[str, Any]) -> None:
        """Add the deployment of an entry to its model."""
        name = entry.get("model_name")
        if not isinstance(name, str) or not name:
            self.importer.findings.add("unsupported", key, "has no model_name; it is left out")
            return
        if _is_unknown_wildcard(entry):
            words = "there are no wildcards, and no table of this vendor's models: name them"
            self.importer.findings.add("manual", key, words)
            return
        deployed = self.importer.deployed(key, entry)
        if deployed is None:
            return
        if "*" in str(deployed.deployment["model"]):
            self._expand(key, name, deployed)
            return
        ours = plain(name)
        same = ours == name
        words = "name of the model" if same else "name of the model, without blanks"
        if "*" in ours:
            ours, same, words = str(deployed.deployment["model"]), False, "the one model that the wildcard stands for"
        self.importer.findings.add("exact" if same else "approximate", (*key, "model_name"), words)
        self._add(ours, deployed)

    def _add(self, name: str, deployed: Deployed) -> None:
        model = self.models.setdefault(name, {"name": name, "deployments": []})
        model |= {each: value for each, value in deployed.model.items() if each not in model}
        model["deployments"].append(deployed.deployment)
        self.clouds.setdefault(name, deployed.cloud)

    def _expand(self, key: Key, name: str, deployed: Deployed) -> None:
        """Add the models that the model table knows in place of a wildcard."""
        found = _living(deployed.deployment["provider"])
        for model, mode in found:
            told = {**deployed.model, "mode": mode} if mode != "chat" else deployed.model
            named = name.replace("*", model, 1).replace("*", "")
            self._add(plain(named), Deployed(deployed.cloud, {**deployed.deployment, "model": model}, told))
        words = f"there are no wildcards; {len(found)} models that the model table knows stand in its place"
        self.importer.findings.add("approximate", (*key, "model_name"), words)

    def _aliases(self) -> None:
        aliases = self.source.section("router_settings").get("model_group_alias")
        for alias, target in aliases.items() if isinstance(aliases, dict) else ():
            key = ("router_settings", "model_group_alias", alias)
            told = target.get("model") if isinstance(target, dict) else target
            model = self.models.get(plain(str(told)))
            if model is None or plain(alias) in self.models:
                self.importer.findings.add("manual", key, "names no model that was imported, or one twice")
                continue
            self.models[plain(alias)] = deepcopy({**model, "name": plain(alias)})
            self.clouds[plain(alias)] = self.clouds[model["name"]]
            self.importer.findings.add("approximate", key, "a model of its own with the same deployments")

    def _fallbacks(self) -> None:
        for section in _SECTIONS:
            for setting, (kind, words) in _FALLBACKS.items():
                value = self.source.section(section).get(setting)
                for key, name, others in _pairs(value, (section, setting), setting, self.models):
                    known = [plain(other) for other in others if plain(other) in self.models]
                    self._fall_back(name, known)
                    if len(known) < len(others) or plain(name) not in self.models:
                        self.importer.findings.add("manual", key, "names a model that was not imported")
                if value:
                    self.importer.findings.add(kind, (section, setting), words)

    def _fall_back(self, name: str, others: list[str]) -> None:
        if (model := self.models.get(plain(name))) is not None:
            present = model.get("fallback", [])
            added = [other for other in others if other not in present and other != model["name"]]
            if present or added:
                model["fallback"] = [*present, *dict.fromkeys(added)]

    def _everywhere(self) -> None:
        """Put settings of all models onto each."""
        for section in ("litellm_settings", "router_settings"):
            for theirs, ours in (
                ("request_timeout", "timeout"),
                ("timeout", "timeout"),
                ("stream_timeout", "idle_timeout"),
            ):
                if found := number(self.source.section(section).get(theirs)):
                    kind: Kind = "exact" if ours == "timeout" else "approximate"
                    self.importer.findings.add(kind, (section, theirs), f"{ours} of each deployment without one")
                    for model in self.models.values():
                        for deployment in model["deployments"]:
                            deployment.setdefault(ours, found)
        if self.source.section("litellm_settings").get("drop_params") is False:
            self.importer.findings.add("exact", ("litellm_settings", "drop_params"), "strict_parameters on each model")
            for model in self.models.values():
                model["strict_parameters"] = True

    def by_cloud(self) -> dict[str, list[dict[str, Any]]]:
        """Return the models of each file."""
        found: dict[str, list[dict[str, Any]]] = {}
        for name, model in self.models.items():
            found.setdefault(self.clouds[name], []).append(model)
        return found


def _living(provider: str) -> list[tuple[str, str]]:
    return list(models_of(provider, datetime.now(UTC).date()))


def _is_unknown_wildcard(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry stands for all models of a vendor of which the table knows none."""
    params = entry.get("litellm_params")
    model = params.get("model") if isinstance(params, dict) else None
    if not isinstance(model, str) or "*" not in model:
        return False
    found = vendor_of(model)
    return found is not None and not _living(VENDORS[found[0]].provider)


def plain(name: str) -> str:
    """Return a name as ours may be."""
    return _NAME.sub("-", name.strip())[:_LONGEST_NAME] or "model"


def _pairs(value: Any, key: Key, setting: str, models: dict[str, Any]) -> Iterator[tuple[Key, str, list[str]]]:
    """Yield (key, model, others) of each fallback that a list of mappings, or one mapping, names."""
    if setting == "default_fallbacks" and isinstance(value, list):
        for name, model in models.items():
            if "fallback" not in model:
                yield key, name, [str(each) for each in value]
        return
    rows = enumerate(value) if isinstance(value, list) else [(None, value)]
    for index, row in rows:
        for name, others in row.items() if isinstance(row, dict) else ():
            place = (*key, name) if index is None else (*key, index, name)
            told = others if isinstance(others, list) else [others]
            names = [each.get("model") if isinstance(each, dict) else each for each in told]
            yield place, str(name), [str(each) for each in names]
