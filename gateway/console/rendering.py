"""Jinja's environment: templates are read once, at import, and escape what they show."""

import hashlib
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import DictLoader, Environment, StrictUndefined

_HERE = Path(__file__).parent
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def _templates() -> dict[str, str]:
    folder = _HERE / "templates"
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.html")}


def _static() -> dict[str, tuple[bytes, str]]:
    """Return content and media type by a name that changes with the content."""
    found = {}
    for path in sorted((_HERE / "static").iterdir()):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:12]
        found[f"{path.stem}.{digest}{path.suffix}"] = (content, _TYPES[path.suffix])
    return found


STATIC = _static()
_ADDRESSES = {name.split(".")[0] + Path(name).suffix: f"/console/static/{name}" for name in STATIC}


def static(name: str) -> str:
    """Return the address of a style sheet or script."""
    return _ADDRESSES[name]


def usd(amount: float | None, digits: int = 2) -> str:
    """Return an amount as `$1,234.50`; small ones with up to six digits."""
    if amount is None:
        return "–"
    digits = digits if amount == 0 or abs(amount) >= 0.01 else 6
    return f"{'-' if amount < 0 else ''}${abs(amount):,.{digits}f}"


def number(value: float | None) -> str:
    """Return a number with commas."""
    return "–" if value is None else f"{value:,.0f}"


def moment(at: int | str | None, zone: str | None = None, *, day: bool = False) -> str:
    """Return UTC microseconds, or a text as `2026-04-01T00:00:00Z`, in a person's time zone, which is named."""
    if at is None:
        return "–"
    when = datetime.fromtimestamp(at / 1e6, UTC) if isinstance(at, int) else datetime.fromisoformat(at)
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    here = when.astimezone(zone_of(zone))
    return f"{here:%Y-%m-%d}" if day else f"{here:%Y-%m-%d %H:%M} {here.tzname()}"


def zone_of(name: str | None) -> tzinfo:
    """Return a time zone by its IANA name; UTC for none and for one that is not known."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ValueError, OSError, LookupError):
        return UTC


ENVIRONMENT = Environment(
    loader=DictLoader(_templates()),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
    cache_size=-1,
)
ENVIRONMENT.filters.update(usd=usd, number=number, moment=moment)
ENVIRONMENT.globals.update(static=static)
