"""Files of before 2007, byte by byte: compound files, and a workbook in one."""

import struct

SECTOR = 512
SMALLEST_STREAM = 4096  # smaller ones would need a second table
END, FREE, TABLE, NOBODY = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFF


def entry(name: str, kind: int, right: int, child: int, start: int, size: int) -> bytes:
    """An entry of the directory. kind: 2 a stream, 5 the root."""
    raw = (name + "\0").encode("utf-16-le")
    head = raw.ljust(64, b"\0") + struct.pack("<HBBIII", len(raw), kind, 1, NOBODY, right, child)
    return head + bytes(36) + struct.pack("<IQ", start, size)


def compound(streams: dict[str, bytes]) -> bytes:
    """A compound file with these streams, which are filled up with zeros."""
    names = sorted(streams, key=lambda name: (len(name), name.upper()))
    blocks = [streams[name].ljust(SMALLEST_STREAM, b"\0") for name in names]
    blocks = [block + bytes(-len(block) % SECTOR) for block in blocks]
    directory_sectors = (len(names) + 1 + 3) // 4
    at, starts, chain = 1 + directory_sectors, list[int](), [TABLE, *range(2, 1 + directory_sectors), END]
    for block in blocks:
        starts.append(at)
        count = len(block) // SECTOR
        chain += [*range(at + 1, at + count), END]
        at += count
    assert len(chain) <= SECTOR // 4
    table = struct.pack(f"<{SECTOR // 4}I", *chain, *[FREE] * (SECTOR // 4 - len(chain)))
    listed = [
        entry(name, 2, number + 2 if number + 1 < len(names) else NOBODY, NOBODY, starts[number], len(blocks[number]))
        for number, name in enumerate(names)
    ]
    directory = b"".join([entry("Root Entry", 5, NOBODY, 1, END, 0), *listed]).ljust(directory_sectors * SECTOR, b"\0")
    counts = struct.pack("<9I", 0, 1, 1, 0, SMALLEST_STREAM, END, 0, END, 0)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header = head + counts + struct.pack("<109I", 0, *[FREE] * 108)
    return b"".join([header, table, directory, *blocks])


def record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def old_text(text: str) -> bytes:
    return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")


def old_workbook(*more: bytes, cells: bool = True) -> bytes:
    """A workbook of Excel 97: a sheet with a name beside a number; `more`: other records of the sheet."""
    begin = struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)
    name = struct.pack("<BB", 4, 1) + "Kobe".encode("utf-16-le")
    sheet_begin = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    values = [
        record(0x204, struct.pack("<HHH", 0, 0, 0) + old_text("上限")),
        record(0x203, struct.pack("<HHHd", 0, 1, 0, 12.5)),
    ]
    sheet = b"".join([sheet_begin, *(values if cells else []), *more, record(0x0A)])
    length = len(record(0x809, begin)) + len(record(0x85, struct.pack("<IH", 0, 0) + name)) + len(record(0x0A))
    listed = record(0x85, struct.pack("<IH", length, 0) + name)
    return compound({"Workbook": record(0x809, begin) + listed + record(0x0A) + sheet})


OLD_COMMENT = record(0x1C, struct.pack("<HHHH", 0, 0, 0, 1) + struct.pack("<HB", 1, 0) + b"A\0")
OLD_CHART = record(0x809, struct.pack("<HHHHII", 0x600, 0x20, 0, 0, 0, 0)) + record(0x0A)


def old_mail(subject: str, body: str) -> bytes:
    """A mail as Outlook saves it."""
    texts = {"0037": subject, "1000": body, "0C1A": "Aoi"}
    streams = {f"__substg1.0_{code}001F": text.encode("utf-16-le") for code, text in texts.items()}
    return compound({"__properties_version1.0": b"", **streams})
