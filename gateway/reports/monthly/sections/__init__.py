"""The report's sections, from top to bottom: each takes all figures and gives its piece of the page."""

from gateway.reports.monthly.sections import load, money, traffic
from gateway.reports.monthly.sections.common import Section

ALL: tuple[Section, ...] = (
    traffic.tiles,
    traffic.requests_by_day,
    traffic.tokens_by_day,
    traffic.kinds,
    traffic.models,
    load.spread,
    load.bursts,
    load.running,
    load.latency,
    load.failures,
    money.teams,
    money.people,
    money.elsewhere,
)
