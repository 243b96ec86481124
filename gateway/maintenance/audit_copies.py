"""Copy this machine's audit to the ledger's destination, note the heads of the others there, and verify all copies.

Copies are objects `_audit/<chain>/<first>-<last>.jsonl`, each with the rows of one run. They are written once, but for
rows of which a part was taken out since.
"""

from collections.abc import Collection, Iterator

from gateway.audit.actor import Actor
from gateway.audit.chain import Chain, Line, lines_of
from gateway.audit.row import Row, from_line, to_line
from gateway.audit.verify import HEADS, Verified, verified
from gateway.ledger.store import Store

PREFIX = "_audit/"
_ROWS = 2000
"""Rows of one object."""
_GATEWAY = Actor("gateway", via="maintenance")


def copy_audit(chain: Chain, store: Store) -> int:
    """Note new heads of other chains, then copy what is not copied yet; return the number of rows. Raises `StoreError`.

    A chain whose own rows do not hold is not copied: what was copied before is the evidence.
    """
    if news := _news(chain, store):
        chain.append(HEADS, actor=_GATEWAY, object=news)
    if (head := chain.head()) is None:
        return 0
    copied = _last_copied(store, head.chain)
    rows = [line.row for line in lines_of(chain.file) if line.row and copied < line.row.n <= head.n]
    if [row.n for row in rows] != list(range(copied + 1, head.n + 1)):
        return 0
    for start in range(0, len(rows), _ROWS):
        _put(store, rows[start : start + _ROWS])
    store.settle()
    return len(rows)


def forget_in_copies(chain: Chain, store: Store, taken: Collection[int]) -> None:
    """Write those copies again that hold rows of which parts were taken out. Raises `StoreError`."""
    if not taken or (head := chain.head()) is None:
        return
    rows = {line.row.n: line.row for line in lines_of(chain.file) if line.row}
    for path in _paths(store, head.chain):
        first, last = _span(path)
        if any(first <= n <= last for n in taken) and all(n in rows for n in range(first, last + 1)):
            store.put(path, b"".join(to_line(rows[n]) for n in range(first, last + 1)))
    store.settle()


def verified_copies(chain: Chain, store: Store) -> list[Verified]:
    """Verify every chain at the destination, and that each has the heads that others noted. Raises `StoreError`."""
    head = chain.head()
    chains = sorted({path.split("/")[1] for path in _paths(store)})
    first = {name: _verified(store, chain, name, ()) for name in chains}
    noted = [(by, name, n, hash_) for by, each in first.items() for name, (n, hash_) in each.heads.items()]
    results = []
    for name in sorted({*chains, *(name for _, name, _, _ in noted)}):
        claims = [(by, n, hash_) for by, about, n, hash_ in noted if about == name]
        result = _verified(store, chain, name, [n for _, n, _ in claims])
        for by, n, hash_ in claims:
            if result.broken is None and result.hashes.get(n) != hash_:
                result.broken = f"{result.where}: row {n}: it is gone or another than chain {by} has seen"
        results.append(result)
    if head is not None:
        _compare_own(chain, results, head.chain)
    return results


def _compare_own(chain: Chain, results: list[Verified], own: str) -> None:
    """Check that this machine's file still has what was copied from it."""
    for result in results:
        if result.chain == own and result.broken is None:
            here = {line.row.n: line.row.hash for line in lines_of(chain.file) if line.row}
            if here.get(result.rows) != result.head:
                result.broken = f"{chain.file.name}: row {result.rows}: it is gone or another than its copy"


def _verified(store: Store, chain: Chain, name: str, wanted: Collection[int]) -> Verified:
    head = chain.head()
    own = head is not None and head.chain == name
    return verified(_lines(store, name), f"{PREFIX}{name}", chain.sealer, own, wanted)


def _news(chain: Chain, store: Store) -> dict[str, tuple[int, str]]:
    """Return the heads of other chains that have new rows other than such notes: notes of notes would never end."""
    head = chain.head()
    noted: dict[str, int] = {}
    for line in lines_of(chain.file):
        if line.row and line.row.action == HEADS and isinstance(told := line.row.value("object"), dict):
            noted |= {name: n for name, (n, _) in told.items()}
    news = {}
    for name in {path.split("/")[1] for path in _paths(store)} - {head.chain if head else None}:
        rows = [row for row in _rows(store, name, noted.get(name, 0)) if row is not None]
        if any(row.action != HEADS for row in rows):
            news[name] = (rows[-1].n, rows[-1].hash)
    return news


def _rows(store: Store, name: str, after: int) -> Iterator[Row | None]:
    for path in _paths(store, name):
        if _span(path)[1] > after:
            for line in (store.get(path) or b"").splitlines():
                row = from_line(line)
                if row is None or row.n > after:
                    yield row


def _lines(store: Store, name: str) -> Iterator[Line]:
    for number, row in enumerate(_rows(store, name, 0), 1):
        yield Line(number, row)


def _put(store: Store, rows: list[Row]) -> None:
    path = f"{PREFIX}{rows[0].chain}/{rows[0].n:010d}-{rows[-1].n:010d}.jsonl"
    store.put(path, b"".join(map(to_line, rows)))


def _last_copied(store: Store, name: str) -> int:
    return max((_span(path)[1] for path in _paths(store, name)), default=0)


def _paths(store: Store, name: str | None = None) -> list[str]:
    prefix = f"{PREFIX}{name}/" if name else PREFIX
    return sorted(
        item.path for item in store.list(prefix) if item.path.endswith(".jsonl") and item.path.count("/") == 2
    )


def _span(path: str) -> tuple[int, int]:
    """Return the first and last row of an object by its name; what has another name holds none."""
    first, _, last = path.rpartition("/")[2].removesuffix(".jsonl").partition("-")
    return (int(first), int(last)) if first.isdecimal() and last.isdecimal() else (0, 0)
