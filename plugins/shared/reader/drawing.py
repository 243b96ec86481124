"""Words in drawings: shapes, charts, diagrams."""

from typing import Any

from plugins.shared.reader.markdown import markdown_table
from plugins.shared.reader.office import attribute, child, descendants, local_name, parsed_xml

RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MOST_POINTS = 500  # of a row in a chart


def shape_text(body: Any) -> str:
    """Return the paragraphs of a shape or a cell."""
    signs = {"br": "\n", "tab": "\t"}
    lines = []
    for paragraph in descendants(body, "p"):
        depth = attribute(element, "lvl", "0") if (element := child(paragraph, "pPr")) is not None else "0"
        text = "".join(
            each.text or "" if local_name(each) == "t" else signs.get(local_name(each), "") for each in paragraph.iter()
        )
        lines.append("  " * min(int(depth) if depth.isdigit() else 0, 8) + text)
    return "\n".join(lines).rstrip()


def points(values: Any) -> list[str]:
    """Return the cached values of a row of a chart."""
    found = descendants(values, "v") if values is not None else iter(())
    return [(each.text or "") for each, _ in zip(found, range(MOST_POINTS), strict=False)]


def chart_text(chart: Any) -> str:
    """Return the title of a chart, and its numbers as a table: a column for each series."""
    title = next(descendants(chart, "title"), None)
    series = [*descendants(chart, "ser")]
    heads = ["", *(" ".join(points(child(one, "tx"))) for one in series)]
    names = next((found for one in series if (found := points(child(one, "cat")) or points(child(one, "xVal")))), [])
    columns = [points(child(one, "val")) or points(child(one, "yVal")) for one in series]
    height = max((len(column) for column in [names, *columns]), default=0)
    rows = [[column[at] if at < len(column) else "" for column in [names, *columns]] for at in range(height)]
    said = "" if title is None else " ".join(shape_text(title).split())
    return "\n\n".join(filter(None, [f"[Chart] {said}".strip(), markdown_table([heads, *rows]) if rows else ""]))


def drawn_elsewhere(part: Any, element: Any) -> str:
    """Return the words of a chart or a diagram that an element of the part refers to."""
    name = local_name(element)
    relation = part.rels.get(element.get(f"{{{RELATION}}}{'dm' if name == 'relIds' else 'id'}"))
    if relation is None or relation.is_external:
        return ""
    root = parsed_xml(relation.target_part.blob)
    return shape_text(root) if name == "relIds" else chart_text(root)
