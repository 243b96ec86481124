"""Dates and times of sheets as text."""

import datetime
from typing import Any


def shown_moment(moment: Any) -> str:
    """Return a date in ISO 8601, with the time of day if there is one; a time or a duration by itself."""
    if not isinstance(moment, datetime.datetime):
        return str(moment)
    return moment.date().isoformat() if moment.time() == datetime.time() else moment.isoformat(" ", "seconds")
