"""People, bursts, busy models, waits, failures: what the servers had to bear."""

from collections.abc import Sequence

from gateway.reports.monthly import charts, colours
from gateway.reports.monthly.codes import explained
from gateway.reports.monthly.colours import SERIES, variable
from gateway.reports.monthly.html import Html, element, figure, joined, pair, section, swatch, table, text
from gateway.reports.monthly.sections.common import Days, Figures, Marks, days_figure, drawn, named_colours, no_data
from gateway.reports.monthly.words import Words
from gateway.reports.rows import Row


def spread(figures: Figures, words: Words, span: Days, marks: Marks) -> Html:
    shown = [_spread(row, words) for row in figures["per_person"]]
    content = pair(*shown) if shown else no_data(words)
    return section(words["spread"], content, about=words["spread about"])


def _spread(row: Row, words: Words) -> Html:
    bars = [(each["first"], each["last"], each["people"]) for each in row["histogram"]]
    names = {name: words.number(row[name]) for name in ("people", "mean", "median", "most")}
    sentence = words["spread told"].format(**names, tenth=words.share(row["share_of_busiest_tenth"]))
    colour = colours.of_kind(row["kind"])
    spec = charts.histogram(bars, colour=colour, x=words["requests a person"], y=words["people"], words=words)
    return figure(element("p", text(sentence), class_="told"), drawn(bars, spec, words), title=words.of(row["kind"]))


def bursts(figures: Figures, words: Words, span: Days, marks: Marks) -> Html:
    return section(
        words["bursts"], pair(*(_burst(row, words) for row in figures["bursts"])), about=words["bursts about"]
    )


def _burst(row: Row, words: Words) -> Html:
    bars = [(each["arrivals"], each["arrivals"], each["requests"]) for each in row["histogram"]]
    sentence = words["burst told"].format(
        peak=words.number(row["peak"]),
        moment=words.moment(row["peak_at"]),
        p99=words.number(row["p99"]),
        mean=words.decimal(row["mean"]),
    )
    spec = charts.histogram(bars, colour=SERIES[0], x=words["arrivals"], y=words["requests"], words=words)
    title = words["burst title"].format(seconds=row["seconds"])
    return figure(element("p", text(sentence), class_="told"), drawn(bars, spec, words), title=title)


def running(figures: Figures, words: Words, span: Days, marks: Marks) -> Html:
    part = figures["running"]
    hours = part["by_hour"]
    ran = [row for row in hours if row["busy_share"]]
    busy = charts.hours(hours, value="busy_share", share=True, colour=SERIES[0], words=words)
    level = charts.hours(hours, value="mean", share=False, colour=SERIES[2], words=words)
    first, last = part["working_hours"]
    every = {"model": None, **part["all"], "busy_share_in_working_hours": part["in_working_hours"]["busy_share"]}
    columns = [(words["model"], ""), *((words[name], "n") for name in ("peak", "mean", "busy", "busy working"))]
    rows = ((("own" if row is every else ""), _running_cells(row, words)) for row in [every, *part["models"]])
    return section(
        words["running"],
        pair(
            figure(drawn(ran, busy, words), title=words["busy by hour"]),
            figure(drawn(ran, level, words), title=words["level by hour"]),
        ),
        table(columns, rows),
        about=words["running about"].format(first=first, last=last),
    )


def _running_cells(row: Row, words: Words) -> list[Html]:
    shares = (words.share(row["busy_share"]), words.share(row["busy_share_in_working_hours"]))
    name = row["model"] or words["all models"]
    return [text(each) for each in (name, words.number(row["peak"]), words.decimal(row["mean"]), *shares)]


def latency(figures: Figures, words: Words, span: Days, marks: Marks) -> Html:
    rows = figures["latency"]
    if not rows:
        return section(words["latency"], no_data(words), about=words["latency about"])
    shown = rows[:12]
    panels = [
        _waits(shown, prefix, colour, title, words)
        for prefix, colour, title in (("first_token", SERIES[4], "first token"), ("total", SERIES[0], "whole answer"))
    ]
    quantiles = ("p50", "p90", "p99")
    names = [f"{prefix}_{quantile}" for prefix in ("first_token", "total") for quantile in quantiles]
    columns = [(words["model"], ""), *((quantile, "n") for quantile in quantiles * 2)]
    cells = (("", [text(row["model"]), *(text(words.wait(row[name])) for name in names)]) for row in rows)
    groups = (("", 1), (words["first token"], 3), (words["whole answer"], 3))
    return section(words["latency"], pair(*panels), table(columns, cells, groups), about=words["latency about"])


def _waits(rows: Sequence[Row], prefix: str, colour: str, title: str, words: Words) -> Html:
    told = [row for row in rows if row[f"{prefix}_p50"] is not None]
    spec = charts.waits(told, prefix=prefix, colour=colour, words=words)
    return figure(drawn(told, spec, words), title=words[title])


def failures(figures: Figures, words: Words, span: Days, marks: Marks) -> Html:
    part = figures["failures"]
    if not part["codes"]:
        return section(words["failures"], element("p", text(words["no failures"])))
    present = {row["outcome"] for row in part["by_day"]}
    shown = {name: colours.of_outcome(name) for name in colours.OUTCOMES if name in present}
    spec = charts.stacked_days(
        part["by_day"], series="outcome", value="requests", colours=shown, span=span, words=words, marks=marks
    )
    columns = [(words["what"], ""), (words["code"], ""), (words["status"], "n"), (words["requests"], "n")]
    rows = (
        (
            "",
            [
                joined([swatch(variable(colours.of_outcome(row["outcome"]))), text(words.of(row["outcome"]))]),
                _explained(row, words),
                text(row["status"]),
                text(words.number(row["requests"])),
            ],
        )
        for row in part["codes"]
    )
    return section(
        words["failures"],
        named_colours(shown, words),
        days_figure(part["by_day"], spec, words),
        table(columns, rows),
        about=words["failures about"],
    )


def _explained(row: Row, words: Words) -> Html:
    """Return a code with what it means."""
    meaning = explained(row["code"], row["outcome"], words.language)
    return joined([text(row["code"] or "–"), *([element("small", text(meaning))] if meaning else [])])
