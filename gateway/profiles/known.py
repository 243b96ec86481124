"""What is known of models by name: window, lengths, abilities, prices that no list has, end of life and successor.

Two tables of rows, each with its source and the day on which it was looked up: `vendors.csv`, kept by hand from the
vendors' own pages, over `public.csv`, which `python -m gateway.commands.model_table` makes from a public list.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache, reduce
from importlib.resources import files

import msgspec

_GEOGRAPHY = re.compile(r"^(?:us-gov|us|eu|apac|global|jp|au|ca|sa|in|il|me|af|mx|uk)\.")
"""How Amazon's inference profiles begin."""
_PUBLISHER = re.compile(r"^(?:amazon|anthropic|cohere|google|meta|mistral|openai|stability)\.")
"""How Amazon's names of models begin."""
_VERSION = re.compile(r"(?:-\d{8}|-\d{4}-\d{2}-\d{2})?(?:-v\d+)?(?::\d+)*(?:@[a-z0-9]+)?$")
"""How snapshots of a model end: a date, a version."""
_LONGEST_NAME = 500
HOSTS: Mapping[str, tuple[str, ...]] = {
    "openai": ("openai",),
    "anthropic": ("anthropic",),
    "azure": ("azure",),
    "azure-anthropic": ("anthropic", "azure"),
    "bedrock": ("bedrock",),
    "bedrock-mantle": ("bedrock",),
    "vertex": ("vertex",),
    "gemini": ("gemini",),
    "cohere": ("cohere",),
    "mistral": ("mistral",),
}
"""By provider of a deployment, the hosts whose rows are of it; the first that knows a model counts."""


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """When a model ends where it runs, by whom that is said, and what follows it."""

    ends: date
    """The day from which it is not served."""
    certain: bool = True
    """False if the source names only the earliest day."""
    deprecated: date | None = None
    """The day of the announcement; None = the source names none."""
    successor: str | None = None
    """The model that its vendor recommends in its place, by the vendor's name or by one of the configuration."""
    source: str
    looked_up: date | None = None
    """The day on which the source said so; None = the configuration says it."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the tables say of a model; None and empty = nothing."""

    context_window: int | None = None
    """Tokens of prompt and answer together."""
    max_output_tokens: int | None = None
    capabilities: tuple[str, ...] = ()
    price: Mapping[str, str] = {}
    """By field of the configuration's `price`."""
    life: Life | None = None
    source: str = ""
    """Of the window and the lengths, with the day on which it was looked up."""


NOTHING = Known()


def known_of(provider: str, model: str) -> Known:
    """Return what is known of a provider's model. A snapshot that no row names is told by its model's row, but its end.

    Looked up once a configuration, never for a request.
    """
    name = plain_name(model)
    for host in HOSTS.get(provider, ()):
        if rows := _rows().get((host, name)):
            return reduce(_over, rows, NOTHING)
        if rows := _rows().get((host, _VERSION.sub("", name))):
            return msgspec.structs.replace(reduce(_over, rows, NOTHING), life=None)
    return NOTHING


def models_of(provider: str, day: date) -> Iterator[tuple[str, str]]:
    """Yield name and mode, chat or embedding, of a provider's models that live on a day; no snapshots of others."""
    hosts = HOSTS.get(provider, ())
    for host, name in _rows():
        if host in hosts and _VERSION.sub("", name) == name:
            known = known_of(provider, name)
            if known.context_window and (known.life is None or known.life.ends > day):
                yield name, "chat" if known.max_output_tokens else "embedding"


def plain_name(model: str) -> str:
    """Return a model's name as the tables have it: without ARN, publisher, geography, in lower case."""
    name = model[:_LONGEST_NAME].lower().rpartition("/")[2].removesuffix("@default")
    return _GEOGRAPHY.sub("", name)


def same_model(one: str, other: str) -> bool:
    """Return whether two names are of one model, be it that another host spells it or a snapshot of it."""
    return _bare(one) == _bare(other)


def _bare(name: str) -> str:
    return _VERSION.sub("", _PUBLISHER.sub("", plain_name(name)))


@cache
def _rows() -> Mapping[tuple[str, str], list[Mapping[str, str]]]:
    """Return the rows of each host's model, the weaker first."""
    found: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for table in ("public.csv", "vendors.csv"):
        text = (files("gateway.profiles") / table).read_text("utf-8")
        for row in csv.DictReader(text.splitlines()):
            found.setdefault((row["host"], row["model"]), []).append(row)
    return found


def _over(other: Known, row: Mapping[str, str]) -> Known:
    """Return what a row says, and where it says nothing what another one does."""
    return Known(
        context_window=int(row["context_window"]) if row["context_window"] else other.context_window,
        max_output_tokens=int(row["max_output_tokens"]) if row["max_output_tokens"] else other.max_output_tokens,
        capabilities=tuple(row["capabilities"].split()) or other.capabilities,
        price=dict(each.split("=", 1) for each in row["price"].split()) or other.price,
        life=_life(row, other.life),
        source=f"{row['source']}, {row['looked_up']}" if row["context_window"] or not other.source else other.source,
    )


def _life(row: Mapping[str, str], other: Life | None) -> Life | None:
    """Return the end that a row tells; one that tells only a successor leaves the other's day."""
    if not row["ends"]:
        return msgspec.structs.replace(other, successor=row["successor"]) if other and row["successor"] else other
    return Life(
        ends=date.fromisoformat(row["ends"]),
        certain=row["certain"] == "yes",
        deprecated=date.fromisoformat(row["deprecated"]) if row["deprecated"] else None,
        successor=row["successor"] or None,
        source=row["source"],
        looked_up=date.fromisoformat(row["looked_up"]),
    )
