"""Entries of LiteLLM's `model_list`: their deployments, and what they say of their models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from gateway.config.document import Key
from gateway.importing.findings import Findings, Kind
from gateway.importing.making import Deployed, Making
from gateway.importing.tables import MODES, PARAMETERS, PRICES, TOLD
from gateway.importing.values import Values, whole
from gateway.importing.vendors import vendor_of


@dataclass
class Importer:
    """Turns entries into deployments. `credentials` are those of `credential_list`, by name."""

    findings: Findings
    values: Values
    credentials: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _told_of: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What entries said of their models, by name."""

    def deployed(self, key: Key, entry: Mapping[str, Any]) -> Deployed | None:
        """Return the deployment of an entry; None where it has none here, which a finding tells."""
        self.values.hint = str(entry.get("model_name", ""))
        written = entry.get("litellm_params")
        params = written if isinstance(written, dict) else {}
        place = (*key, "litellm_params")
        info = entry.get("model_info")
        mode = info.get("mode") if isinstance(info, dict) else None
        if isinstance(mode, str) and mode not in MODES:
            self.findings.add("unsupported", key, "models of this mode are not served here; the entry is left out")
            return None
        model, named = params.get("model"), params.get("custom_llm_provider")
        found = vendor_of(model, named if isinstance(named, str) else None) if isinstance(model, str) else None
        if found is None:
            self.findings.add("unsupported", key, "this vendor's API is not spoken here; the entry is left out")
            return None
        borrowed = self.credentials.get(str(params.get("litellm_credential_name")), {})
        made = Making(self.findings, self.values, place, found, {**borrowed, **params}, frozenset(params))
        deployed = made.deployed()
        if deployed:
            self._based(key, entry, deployed)
            deployed.model |= self._told(key, entry, params)
        return deployed

    def _based(self, key: Key, entry: Mapping[str, Any], deployed: Deployed) -> None:
        """Put which model a deployment is, where its name does not say so."""
        info = entry.get("model_info")
        based = info.get("base_model") if isinstance(info, dict) else None
        if isinstance(based, str) and based.rpartition("/")[2]:
            deployed.deployment["base_model"] = based.rpartition("/")[2]
            self.findings.add("exact", (*key, "model_info", "base_model"), "base_model of the deployment")

    def _told(self, key: Key, entry: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
        """Return what an entry says of its model: mode, lengths, prices, abilities."""
        info = entry.get("model_info")
        info = info if isinstance(info, dict) else {}
        told = self._told_of.setdefault(str(entry.get("model_name")), {})
        for place, values in (((*key, "litellm_params"), params), ((*key, "model_info"), info)):
            for name, value in values.items():
                self._tell((*place, name), name, value, told)
        for name in ("tpm", "rpm"):
            if name in entry:
                kind, words = PARAMETERS[name]
                self.findings.add(kind, (*key, name), words)
        return told

    def _tell(self, key: Key, name: str, value: Any, told: dict[str, Any]) -> None:
        if name == "mode" and isinstance(value, str) and value in MODES:
            self._put(key, told, "mode", MODES[value], "exact")
        elif name in PRICES:
            self._price(key, name, value, told)
        elif name in TOLD and (found := whole(value)):
            self._put(key, told, TOLD[name], found, "approximate" if name == "max_tokens" else "exact")
        elif name.startswith("supports_"):
            self.findings.add("approximate", key, "what a model can do is in the model table, or in 'capabilities:'")
        elif name in PARAMETERS:
            kind, words = PARAMETERS[name]
            self.findings.add(kind, key, words)

    def _price(self, key: Key, name: str, value: Any, told: dict[str, Any]) -> None:
        field_, count = PRICES[name]
        try:
            cost = Decimal(str(value)) * count
        except InvalidOperation:
            cost = Decimal(-1)
        if not 0 <= cost <= 10**9:
            self.findings.add("manual", key, "is no price; write 'price:' on the model")
            return
        self._put(key, told.setdefault("price", {}), field_, float(cost), "exact")

    def _put(self, key: Key, told: dict[str, Any], name: str, value: Any, kind: Kind) -> None:
        """Put what an entry says of its model; another entry of the model that was first stands."""
        if told.setdefault(name, value) == value:
            self.findings.add(kind, key, f"'{name}' of the model")
        else:
            self.findings.add(
                "manual", key, f"'{name}' of another entry with this model_name stands; ours has one a model"
            )
