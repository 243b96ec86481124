"""By which endpoint of an upstream a request for code completion is served, and through which translation."""

import msgspec

from gateway.dialects.chat import COMPLETIONS
from gateway.dialects.endpoint import END, Endpoint
from gateway.dialects.fim import FIM
from gateway.dialects.infill import INFILL
from gateway.profiles.fim_family import Family
from gateway.translation.completion import sides
from gateway.translation.completion.translations import FillGap, SameDialect, SharedInfill
from gateway.translation.contract import Translation


class Abilities(msgspec.Struct, frozen=True):
    """What is known of a deployment that completes code."""

    dialects: tuple[str, ...]
    family: Family | None = None
    """Of its model, where that can fill in the middle."""
    takes_suffix: bool = False
    """Its Completions take `suffix`, or may."""
    for_completion: bool = True
    """Its model completes texts; else only who asks its Completions themselves gets them."""
    fills: bool = True
    """False: the configuration says that the model cannot fill in the middle."""


class Way(msgspec.Struct, frozen=True):
    """An endpoint of an upstream, and the translation to it; None = the same dialect, untouched."""

    endpoint: Endpoint
    translation: Translation | None = None


def way(client: Endpoint, upstream: Abilities) -> Way | None:
    """Return how a deployment serves an endpoint for code completion: natively, then by template; None = it cannot."""
    side = sides.CLIENTS[client.path]
    if upstream.fills and FIM.dialect in upstream.dialects:
        return Way(FIM, None if client.path == FIM.path else FillGap(side, sides.FIM, upstream.family))
    if upstream.fills and INFILL.dialect in upstream.dialects:
        own = client.path == INFILL.path
        return Way(INFILL, SharedInfill() if own else FillGap(side, sides.INFILL, upstream.family))
    if COMPLETIONS.dialect in upstream.dialects:
        return _by_completions(client, side, upstream)
    return None


def _by_completions(client: Endpoint, side: sides.ClientSide, upstream: Abilities) -> Way | None:
    same, family = client.path == COMPLETIONS.path, upstream.family
    if family:
        template = SameDialect(side, sides.TEMPLATE, family) if same else FillGap(side, sides.TEMPLATE, family)
        return Way(COMPLETIONS, template)
    if not (same or upstream.for_completion):
        return None
    if upstream.takes_suffix:
        return Way(COMPLETIONS, None if same else FillGap(side, sides.SUFFIX))
    if client.variant == END:
        return Way(COMPLETIONS, SameDialect(side, sides.TEXT) if same else FillGap(side, sides.TEXT))
    return None
