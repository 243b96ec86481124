"""Format numbers, days and amounts in English and Japanese; the texts are in `texts`."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from gateway.reports.monthly.texts import TEXTS

Language = Literal["en", "ja"]

_NUMBERS = {
    "en": "format(datum.value, '~s')",
    "ja": (
        "datum.value >= 1e8 ? format(datum.value / 1e8, ',.3~f') + '億' : "
        "datum.value >= 1e4 ? format(datum.value / 1e4, ',.3~f') + '万' : format(datum.value, ',.3~f')"
    ),
}
_WAITS = "datum.value >= 1000 ? format(datum.value / 1000, ',.3~f') + ' {s}' : format(datum.value, ',') + ' ms'"
_SHORT = {
    "en": ((1e9, "B"), (1e6, "M"), (1e4, "k")),
    "ja": ((1e8, "億"), (1e4, "万")),
}


@dataclass(frozen=True, slots=True)
class Words:
    """Formats in one language and one currency. Amounts are given in USD."""

    language: Language = "en"
    currency: str = "USD"
    per_usd: float = 1.0

    def __getitem__(self, text: str) -> str:
        return TEXTS[self.language][text]

    def of(self, name: str | None) -> str:
        """Return a kind or outcome in the language; any other name as it is."""
        return TEXTS[self.language].get(f"name:{name}", name or "–")

    @property
    def numbers(self) -> str:
        """Vega's expression for an axis of counts."""
        return _NUMBERS[self.language]

    @property
    def waits(self) -> str:
        return _WAITS.replace("{s}", self["s"])

    @property
    def day_format(self) -> str:
        return "%-m/%-d" if self.language == "ja" else "%b %-d"

    def number(self, value: float) -> str:
        return f"{value:,.0f}"

    def decimal(self, value: float) -> str:
        return f"{value:,.2f}"

    def short(self, value: float) -> str:
        """Return a number in short: `385k`, `38.5万`; small ones whole."""
        for unit, name in _SHORT[self.language]:
            if value >= unit:
                return f"{value / unit:,.{2 if value / unit < 10 else 1 if value / unit < 100 else 0}f}{name}"
        return self.number(value)

    def share(self, value: float) -> str:
        return f"{value * 100:.1f}%" if 0 < value < 0.995 else f"{value * 100:.0f}%"

    def wait(self, milliseconds: float | None) -> str:
        if milliseconds is None:
            return "–"
        return f"{milliseconds / 1000:,.1f} {self['s']}" if milliseconds >= 1000 else f"{milliseconds:,.0f} ms"

    def money(self, usd: float) -> str:
        """Return an amount; cents only for small ones."""
        amount, sign = usd * self.per_usd, {"USD": "$", "JPY": "¥", "EUR": "€"}.get(self.currency, f"{self.currency} ")
        digits = (
            0 if amount >= 1000 or (self.currency == "JPY" and amount >= 1) else 2 if amount >= 0.1 or not amount else 4
        )
        return f"{sign}{amount:,.{digits}f}"

    def price(self, usd: float) -> str:
        """Return a price of a million tokens, as exact as price lists are."""
        amount = usd * self.per_usd
        return f"{amount:,.0f}" if amount >= 100 else f"{amount:.3g}"

    def range(self, first: int, last: int) -> str:
        return f"{first:,}" if first == last else f"{first:,}–{last:,}"

    def day(self, text: str) -> str:
        found = date.fromisoformat(text[:10])
        return self["day"].format(month=found.month, day=found.day, short=f"{found:%b}", weekday=self.weekday(found))

    def weekday(self, day: date) -> str:
        return self["weekdays"].split()[day.weekday()]

    def moment(self, text: str | None) -> str:
        return f"{self.day(text)} {text[11:16]}" if text else "–"

    def span(self, first: date, last: date) -> str:
        """Return a span in words: `April 2025` where it is a whole month."""
        whole = first.day == 1 and (last.year, last.month) == (first.year, first.month) and _month_ends(last)
        if whole:
            return self["month"].format(year=first.year, month=first.month, name=f"{first:%B}")
        return f"{first} – {last}"


def _month_ends(day: date) -> bool:
    return date.fromordinal(day.toordinal() + 1).day == 1
