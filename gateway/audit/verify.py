"""Prove that no row of a chain was changed, removed, put elsewhere, or cut at the end."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.audit.chain import Chain, Head, Line, lines_of
from gateway.audit.row import GENESIS, Row, Sealer, problem

FORGOTTEN = "person.forgotten"
HEADS = "heads.seen"


@dataclass
class Verified:
    """The result for one chain. `broken` names the first row that does not hold, or is None."""

    where: str
    chain: str | None = None
    rows: int = 0
    head: str | None = None
    """Hash of the last row."""
    forgotten: int = 0
    """Rows of which a part was taken out, as a later row says."""
    unsealed: int = 0
    """Rows that were sealed under another secret, which cannot be checked here."""
    broken: str | None = None
    heads: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By chain the last head that this one noted of others: number and hash."""
    hashes: dict[int, str] = field(default_factory=dict)
    """By number the hashes that others noted or copied; filled on demand."""


@dataclass
class _Reading:
    """What reading a chain row by row has to remember."""

    result: Verified
    sealer: Sealer
    wanted: frozenset[int]
    own: bool
    previous: Row | None = None
    missing: dict[int, set[str]] = field(default_factory=dict)

    def read(self, line: Line, where: str) -> str | None:
        """Take the next row; return what is wrong with it."""
        row = line.row
        if row is None:
            return f"{where}: line {line.number} is no row: it was damaged or cut"
        if wrong := self._order(row) or problem(row, self.sealer) or self._sealing(row):
            return f"{where}: line {line.number}, row {row.n}: {wrong}"
        if row.forgotten:
            self.missing[row.n] = set(row.forgotten)
        self._note(row)
        self.previous = row
        return None

    def _order(self, row: Row) -> str | None:
        before = self.previous
        expected, previous = (before.n + 1, before.hash) if before else (1, GENESIS)
        if before and row.chain != before.chain:
            return f"belongs to another chain ({row.chain})"
        if row.n > expected:
            return f"{_rows(expected, row.n - 1)} before it {'is' if row.n - 1 == expected else 'are'} missing"
        if row.n < expected:
            return f"stands after row {expected - 1}: rows were put in another order, or are there twice"
        return None if row.previous == previous else "does not follow the row before it: one of the two was replaced"

    def _sealing(self, row: Row) -> str | None:
        if row.key != self.sealer.name and self.own:
            return "was sealed under another secret ('key_secret', or the file key-secret)"
        self.result.unsealed += row.key != self.sealer.name
        return None

    def _note(self, row: Row) -> None:
        result = self.result
        result.chain, result.head, result.rows = row.chain, row.hash, row.n
        if row.n in self.wanted:
            result.hashes[row.n] = row.hash
        if row.action == FORGOTTEN and isinstance(told := row.value("object"), dict):
            for n, parts in told.get("rows", ()):
                self.missing[n] = self.missing.get(n, set()) - set(parts)
                result.forgotten += 1
        if row.action == HEADS and isinstance(told := row.value("object"), dict):
            result.heads |= {chain: (n, hash_) for chain, (n, hash_) in told.items()}


def verified(
    lines: Iterable[Line], where: str, sealer: Sealer, own: bool = True, wanted: Iterable[int] = ()
) -> Verified:
    """Read a chain from its first row; `wanted` are the numbers of rows whose hashes are returned."""
    reading = _Reading(Verified(where), sealer, frozenset(wanted), own)
    for line in lines:
        if broken := reading.read(line, where):
            reading.result.broken = broken
            return reading.result
    unexplained = sorted(n for n, parts in reading.missing.items() if parts)
    if unexplained:
        names = ", ".join(sorted(reading.missing[unexplained[0]]))
        reading.result.broken = f"{where}: row {unexplained[0]}: '{names}' was taken out, and no later row tells why"
    return reading.result


def verified_here(chain: Chain, anchors: Mapping[str, int], wanted: Iterable[int] = ()) -> Verified:
    """Verify this machine's chain, its head, and its length as the database of keys knows it."""
    with chain.locked():
        head, there = chain.head(), (chain.folder / "head.json").exists()
        result = verified(lines_of(chain.file), chain.file.name, chain.sealer, wanted=wanted)
    result.broken = result.broken or _end_of(result, head, there) or _short(result, head, anchors)
    return result


def _end_of(result: Verified, head: Head | None, there: bool) -> str | None:
    where = result.where
    if head is None:
        if there:
            return f"{where}: head.json was changed (its seal does not hold)"
        return f"{where}: head.json is missing, so that a cut at the end cannot be excluded" if result.rows else None
    if result.chain not in (None, head.chain):
        return f"{where}: row 1: this is another chain ({result.chain}) than {head.chain}, of which head.json tells"
    if result.rows < head.n:
        return f"{where}: row {result.rows + 1}: {_rows(result.rows + 1, head.n)} at the end cut off"
    if result.rows == head.n and result.head != head.hash:
        return f"{where}: row {head.n}: it was replaced (head.json tells of another)"
    # One row more than the head is what a process leaves that died between the two.
    return f"{where}: row {head.n + 2}: head.json is older than the chain" if result.rows > head.n + 1 else None


def _short(result: Verified, head: Head | None, anchors: Mapping[str, int]) -> str | None:
    chain = result.chain or (head.chain if head else None)
    if chain is None:
        return None
    least = anchors.get(chain, 0)
    if result.rows < least:
        return f"{result.where}: row {result.rows + 1}: {_rows(result.rows + 1, least)} cut off (the database counts)"
    return None


def _rows(first: int, last: int) -> str:
    return f"row {first}" if first == last else f"rows {first} to {last}"
