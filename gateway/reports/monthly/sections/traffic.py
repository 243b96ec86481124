"""How much, when, of what: the upper half of the report."""

from collections.abc import Sequence

from gateway.reports.monthly import charts, colours
from gateway.reports.monthly.colours import SERIES, variable
from gateway.reports.monthly.html import Html, element, joined, section, swatch, table, text, whole
from gateway.reports.monthly.sections.common import Days, Figures, Marks, days_figure, named_colours
from gateway.reports.monthly.words import Words
from gateway.reports.rows import Row

_MOST_SERIES = 7
_OTHERS = "…"


def tiles(figures: Figures, words: Words, span: Days, marks: Marks) -> Html:
    """Return the headline; what embeddings read is told apart from what models read and wrote."""
    totals = figures["totals"]
    read = totals["input_tokens"] - totals["embedding_tokens"]
    tokens = read + totals["output_tokens"]
    mean = words.number(totals["requests"] / totals["people"]) if totals["people"] else "–"
    cost = totals["cost_usd"] - totals["embedding_cost_usd"]
    per_million = words.money(cost / tokens * 1e6) if tokens else "–"
    failed = {name: words.number(totals[name]) for name in ("errors", "refused")}
    cached = totals["cached_input_tokens"] / read if read else 0
    shown = (
        ("requests", words.number(totals["requests"]), _requests_note(totals, words)),
        ("people", words.number(totals["people"]), words["each"].format(mean=mean)),
        ("tokens", words.short(tokens), _tokens_note(totals, read, words)),
        ("cost", words.money(totals["cost_usd"]), _cost_note(totals, per_million, words)),
        ("answered", words.share(totals["ok"] / totals["requests"]), words["errors refused"].format(**failed)),
        ("cache", words.share(cached), words["of input"]),
    )
    return element("div", *(_tile(words[name], value, note) for name, value, note in shown), class_="tiles")


def _requests_note(totals: Row, words: Words) -> str:
    days = words["on days"].format(days=totals["days_with_traffic"])
    if not totals["embedding_requests"]:
        return days
    return f"{days} · {words['embedding requests'].format(count=words.number(totals['embedding_requests']))}"


def _tokens_note(totals: Row, read: int, words: Words) -> str:
    generated = words["in out"].format(input=words.short(read), output=words.short(totals["output_tokens"]))
    if not totals["embedding_tokens"]:
        return generated
    return f"{generated} · {words['embedded'].format(tokens=words.short(totals['embedding_tokens']))}"


def _cost_note(totals: Row, per_million: str, words: Words) -> str:
    if totals["without_price"]:
        return words["without price"].format(count=words.number(totals["without_price"]))
    return words["a million"].format(cost=per_million)


def _tile(name: str, value: str, note: str) -> Html:
    return element(
        "div", element("span", text(name)), element("b", text(value)), element("small", text(note)), class_="tile"
    )


def requests_by_day(figures: Figures, words: Words, span: Days, marks: Marks) -> Html:
    kinds = {row["kind"] for row in figures["requests_by_day"]}
    shown = {kind: colours.of_kind(kind) for kind in colours.KINDS if kind in kinds}
    spec = charts.stacked_days(
        figures["requests_by_day"], series="kind", value="requests", colours=shown, span=span, words=words, marks=marks
    )
    chart = days_figure(figures["requests_by_day"], spec, words)
    return section(words["by day"], named_colours(shown, words), chart, about=words["by day about"])


def tokens_by_day(figures: Figures, words: Words, span: Days, marks: Marks) -> Html:
    """Return the models with most tokens by name, the rest as one."""
    named = [row["model"] for row in figures["models"]][:_MOST_SERIES]
    rows = _folded(figures["tokens_by_day"], named)
    names = [*named, _OTHERS] if len(figures["models"]) > len(named) else named
    shown = dict(zip(names, SERIES, strict=False))
    spec = charts.stacked_days(rows, series="model", value="tokens", colours=shown, span=span, words=words, marks=marks)
    legend = named_colours(shown, words) if rows else Html("")
    chart = days_figure(rows, spec, words)
    return section(words["tokens by day"], legend, chart, about=words["tokens by day about"])


def _folded(rows: Sequence[Row], named: Sequence[str]) -> list[Row]:
    sums: dict[tuple[str, str], int] = {}
    for row in rows:
        place = (row["day"], row["model"] if row["model"] in named else _OTHERS)
        sums[place] = sums.get(place, 0) + row["tokens"]
    return [{"day": day, "model": model, "tokens": tokens} for (day, model), tokens in sums.items()]


def kinds(figures: Figures, words: Words, span: Days, marks: Marks) -> Html:
    rows = figures["kinds"]
    parts = [
        (row["share"], variable(colours.of_kind(row["kind"])), f"{words.of(row['kind'])}: {words.share(row['share'])}")
        for row in rows
    ]
    columns = [(words["kind"], ""), *((words[name], "n") for name in ("requests", "share", "people", "tokens", "cost"))]
    cells = (("", _kind_cells(row, words)) for row in rows)
    return section(words["kinds"], whole(parts), table(columns, cells))


def _kind_cells(row: Row, words: Words) -> list[Html]:
    name = joined([swatch(variable(colours.of_kind(row["kind"]))), text(words.of(row["kind"]))])
    cells = (
        words.number(row["requests"]),
        words.share(row["share"]),
        words.number(row["people"]),
        words.short(row["input_tokens"] + row["output_tokens"]),
        words.money(row["cost_usd"]),
    )
    return [name, *map(text, cells)]


def models(figures: Figures, words: Words, span: Days, marks: Marks) -> Html:
    """Return the models' table, and the cache by day."""
    names = ("requests", "people", "input", "output", "cache", "cost")
    columns = [(words["model"], ""), *((words[name], "n") for name in names)]
    cells = (("", _model_cells(row, words)) for row in figures["models"])
    spec = charts.line_of_days(figures["cache_by_day"], value="share", span=span, words=words)
    chart = days_figure(figures["cache_by_day"], spec, words, title=words["cache title"])
    return section(words["models"], table(columns, cells), element("p"), chart)


def _model_cells(row: Row, words: Words) -> list[Html]:
    cells = (
        row["model"],
        words.number(row["requests"]),
        words.number(row["people"]),
        words.short(row["input_tokens"]),
        words.short(row["output_tokens"]),
        words.share(row["cache_share"]),
        words.money(row["cost_usd"]),
    )
    return list(map(text, cells))
