"""Models that were published and that the gateway does not list now: gone for good, or for the moment of a reload."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from install.pack.engine.applied import AppliedResource, Key
from install.pack.engine.change import Action, Change
from install.pack.engine.withdraw import take_away
from install.pack.inputs import PlanInputs
from install.pack.resources import KINDS
from install.pack.resources.agents import AGENTS
from install.pack.tree import Json
from install.wording import say

MODEL = "model"


@dataclass(frozen=True, slots=True)
class MissingModels:
    """Ids of published models without one of the gateway's; none where the manifest names its models."""

    ids: frozenset[str] = frozenset()
    published: int = 0
    """How many people could see before."""
    lost: int = 0
    """How many of these are not listed now."""
    allowed: bool = False
    """Somebody said that so many may go."""

    @property
    def held(self) -> bool:
        """Return whether so many are missing that a confirmation is needed: an empty list is more often an accident."""
        return not self.allowed and self.lost * 2 >= self.published

    def change(self, id: str, current: Json | None, known: AppliedResource, *, force: bool) -> Change | None:
        """Return the change for one missing model; an administrator's decisions about it are kept."""
        if current is None or not known.created:
            return None
        if self.held and current["is_active"]:
            left = self.published - self.lost
            why = say(
                "the gateway lists {left} of {published} published models; left alone without --fewer-models",
                left=left,
                published=self.published,
            )
            return Change(MODEL, id, Action.NOT_LISTED, (why,), blocked=True, current=current)
        return take_away(KINDS[MODEL], id, current, known, force=force)


ALL_LISTED = MissingModels()


def missing_models(inputs: PlanInputs, known: Mapping[Key, AppliedResource], wanted: Iterable[Key]) -> MissingModels:
    """Compare what the pack has published with what the gateway lists."""
    if inputs.manifest.models is not None:
        return ALL_LISTED
    others = {id for kind, id in known if kind == "pipe"}
    ours = {id for kind, id in known if kind == MODEL and id not in others and not id.startswith(f"{AGENTS}.")}
    rows = {id: row for id in ours if (row := inputs.there(MODEL, id))}
    missing = ours - {id for kind, id in wanted if kind == MODEL}
    seen = {id for id, row in rows.items() if row["is_active"]}
    return MissingModels(frozenset(missing), len(seen), len(seen & missing), inputs.options.fewer_models)
