"""Packages of Office files: parts, and what they are related to."""

import importlib
import io
import zipfile
from collections.abc import Iterator
from typing import Any

from plugins.shared.reader.outcome import Unreadable

UNPACKED = 300_000_000  # bytes that an Office file may unpack to
PACKED = 200  # times smaller than unpacked: real ones stay below 60
PARTS = 20_000
ALTERNATIVES = ("Choice", "Fallback")


def archive_names(raw: bytes) -> list[str]:
    """Return what the archive holds. Raises Unreadable if it is cut, or unpacks beyond all reason."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        # zipfile raises NotImplementedError for versions and compressions that it does not know.
        raise Unreadable("damaged") from error
    sizes = [(entry.file_size, entry.compress_size) for entry in entries]
    dense = any(size > 10_000_000 and size > PACKED * packed for size, packed in sizes)
    if dense or sum(size for size, _ in sizes) > UNPACKED or len(entries) > PARTS:
        raise Unreadable("bomb")
    return [entry.filename for entry in entries]


def parsed_xml(raw: bytes) -> Any:
    """Return the root element; entities are left alone, and nothing is loaded from elsewhere."""
    etree = importlib.import_module("lxml.etree")
    return etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))


def local_name(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Any, name: str, default: str = "") -> str:
    """Return an attribute by its name without namespace."""
    return next((str(value) for key, value in element.attrib.items() if key.rpartition("}")[2] == name), default)


def child(element: Any, *path: str) -> Any:
    """Return the first descendant along the path of names; None if there is none, or no element."""
    for name in path:
        if element is not None:
            element = next((each for each in element if local_name(each) == name), None)
    return element


def children(element: Any, *path: str) -> list[Any]:
    """Return what is in the first descendant along the path of names."""
    found = child(element, *path)
    return [] if found is None else list(found)


def descendants(element: Any, name: str) -> Iterator[Any]:
    return (each for each in element.iter() if local_name(each) == name)


def alternative(element: Any) -> list[Any]:
    """Return what stands in an alternative: its first choice with words, so that nothing is read twice."""
    choices = [each for name in ALTERNATIVES for each in element if local_name(each) == name]
    wordy = [each for each in choices if any((each_text.text or "").strip() for each_text in descendants(each, "t"))]
    return list((wordy or choices or [[]])[0])


def package_main(raw: bytes) -> Any:
    """Return the main part of an Office package, with macros or a template too. Raises Unreadable."""
    opc = importlib.import_module("docx.opc.package").OpcPackage
    package = opc.open(io.BytesIO(raw))
    for relation in package.rels.values():
        if relation.reltype.endswith("/officeDocument") and not relation.is_external:
            return relation.target_part
    raise Unreadable("damaged")


def related(part: Any, kind: str) -> list[Any]:
    """Return the parts of this kind that a part is related to, such as "footnotes"."""
    relations = getattr(part, "rels", {}).values()
    return [one.target_part for one in relations if one.reltype.endswith(f"/{kind}") and not one.is_external]
