"""Draw charts as SVG. The engine takes a second to start, so it starts while the figures are computed."""

import json
import re
import threading

from gateway.reports.monthly.axes import Spec
from gateway.reports.monthly.colours import themed
from gateway.reports.monthly.html import Html

_VERSION = "6.4"
_SIZE = re.compile(r' width="[\d.]+" height="[\d.]+"', re.ASCII)


def warm_up() -> threading.Thread:
    """Start the engine in the background."""
    thread = threading.Thread(target=draw, args=({"mark": "point", "data": {"values": []}},), daemon=True)
    thread.start()
    return thread


def draw(spec: Spec) -> Html:
    """Return the chart as SVG, as wide as its container. Nothing is loaded from the network."""
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(json.dumps(spec), vl_version=_VERSION, allowed_base_urls=[])
    return Html(themed(_SIZE.sub("", drawn, count=1)))
