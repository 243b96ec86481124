"""Validate closed segments before they are shipped: the checksum of each line, and a hash of the whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from gateway.files import write_file
from gateway.ledger.lines import is_whole


@dataclass(frozen=True)
class ValidSegment:
    """A segment in which every line is whole: itself, or a copy without its damaged lines."""

    segment: Path
    file: Path
    records: int
    damaged: int
    hash: str
    """Hash of the whole lines, 16 hex digits."""


def validate(segment: Path, working: Path) -> ValidSegment:
    """Check a segment. Damaged lines go to `damaged/` beside the segments' folder, the rest into a copy."""
    lines = segment.read_bytes().split(b"\n")
    whole = [line for line in lines if is_whole(line)]
    damaged = [line for line in lines if line and not is_whole(line)] if len(whole) < len(lines) - 1 else []
    file = segment
    content = b"\n".join(whole)
    if damaged:
        aside = segment.parents[1] / "damaged" / segment.name
        aside.parent.mkdir(exist_ok=True)
        write_file(aside, b"\n".join(damaged) + b"\n")
        file = working / segment.name
        file.write_bytes(content + b"\n")
    return ValidSegment(segment, file, len(whole), len(damaged), sha256(content).hexdigest()[:16])


def batches(segments: Sequence[Path], most_bytes: int) -> Iterator[list[Path]]:
    """Yield segments in order, in batches that fit into memory."""
    batch: list[Path] = []
    size = 0
    for segment in segments:
        of_this = segment.stat().st_size
        if batch and size + of_this > most_bytes:
            yield batch
            batch, size = [], 0
        batch.append(segment)
        size += of_this
    if batch:
        yield batch
