"""What it cost whom, and what it would cost elsewhere."""

from gateway.reports.monthly.colours import SERIES, variable
from gateway.reports.monthly.html import Html, bar, element, section, table, text
from gateway.reports.monthly.sections.common import Days, Figures, Marks, no_data
from gateway.reports.monthly.words import Words
from gateway.reports.rows import Row


def teams(figures: Figures, words: Words, span: Days, marks: Marks) -> Html:
    rows = figures["teams"]
    longest = max((row["cost_usd"] for row in rows), default=0) or 1
    columns = [
        (words["team"], ""),
        ("", "bar"),
        *((words[name], "n") for name in ("cost", "requests", "tokens", "people")),
    ]
    cells = (
        (
            "",
            [
                text(words["no team"] if row["team"] is None else row["team"]),
                bar(row["cost_usd"] / longest, variable(SERIES[2])),
                *_sums(row, words),
                text(words.number(row["people"])),
            ],
        )
        for row in rows
    )
    return section(words["teams"], table(columns, cells), short=len(rows) < 20)


def people(figures: Figures, words: Words, span: Days, marks: Marks) -> Html:
    part = figures["people"]
    rows, others = part["rows"], part["others"]
    if not rows:
        return section(words["persons"], no_data(words))
    longest = max(row["cost_usd"] for row in rows) or 1
    columns = [(words["person"], ""), ("", "bar"), *((words[name], "n") for name in ("cost", "requests", "tokens"))]
    cells = [
        ("", [text(row["person"]), bar(row["cost_usd"] / longest, variable(SERIES[0])), *_sums(row, words)])
        for row in rows
    ]
    if others["people"]:
        name = words["others"].format(people=words.number(others["people"]))
        cells.append(("rest", [text(name), Html(""), *_sums(others, words)]))
    about = words["hidden"] if part["hidden"] else ""
    return section(words["persons"], table(columns, cells), about=about, short=False)


def _sums(row: Row, words: Words) -> list[Html]:
    cells = (words.money(row["cost_usd"]), words.number(row["requests"]), words.short(row["tokens"]))
    return list(map(text, cells))


def elsewhere(figures: Figures, words: Words, span: Days, marks: Marks) -> Html:
    part = figures["elsewhere"]
    own = part["on_premises"]
    about = words["elsewhere about"].format(tokens=words.short(part["tokens"])) + _embeddings_told(part, words)
    longest = max([row["cost_usd"] for row in part["rows"]] + [own["total_usd"] if own else 0], default=0) or 1
    columns = [(words["model"], ""), ("", "bar"), (words["cost"], "n"), (words["price"], "n")]
    columns += [(words["break even"], "n")] if own else []
    rows = [(row["cost_usd"], "", _priced_cells(row, longest, own, words)) for row in part["rows"]]
    if own:
        rows.append((own["total_usd"], "own", _own_cells(own, longest, words)))
    rows.sort(key=lambda row: -row[0])
    sentence = _own_told(own, words) if own else words["no own"]
    shown = table(columns, ((of, cells) for _, of, cells in rows))
    return section(words["elsewhere"], element("p", text(sentence), class_="told"), shown, about=about)


def _embeddings_told(part: Row, words: Words) -> str:
    if not (apart := part["embeddings"]):
        return ""
    told = words["embeddings elsewhere"].format(
        tokens=words.short(apart["tokens"]),
        model=apart["model"],
        price=words.money(apart["price"]),
        cost=words.money(apart["cost_usd"]),
    )
    return f" {told}" if words.language == "en" else told


def _own_told(own: Row, words: Words) -> str:
    amounts = {"total": "total_usd", "gpu": "gpu_usd", "power": "power_usd", "staff": "people_usd"}
    per_million = own["usd_per_million_tokens"]
    return words["own told"].format(
        **{name: words.money(own[field]) for name, field in amounts.items()},
        per_million="–" if per_million is None else words.money(per_million),
    )


def _priced_cells(row: Row, longest: float, own: Row | None, words: Words) -> list[Html]:
    prices = " / ".join(words.price(row["prices"][name]) for name in ("input", "cached_input", "output"))
    cells = [
        text(row["model"]),
        bar(row["cost_usd"] / longest, variable(SERIES[0])),
        text(words.money(row["cost_usd"])),
        text(prices),
    ]
    return [*cells, text(_break_even(row, words))] if own else cells


def _break_even(row: Row, words: Words) -> str:
    if not row["times"]:
        return "–"
    if row["times"] <= 1:
        return words["cheaper"]
    times = f"{row['times']:,.1f}" if row["times"] < 100 else words.number(row["times"])
    return words["break even told"].format(times=times, tokens=words.short(row["break_even_tokens"]))


def _own_cells(own: Row, longest: float, words: Words) -> list[Html]:
    amount = text(words.money(own["total_usd"]))
    return [
        text(words["own machines"]),
        bar(own["total_usd"] / longest, variable(SERIES[1])),
        amount,
        Html("–"),
        Html(""),
    ]
