"""The page."""

from html import escape
from typing import Any

from plugins.my_usage.chart import chart, colour
from plugins.my_usage.rows import Row, grouped, number
from plugins.my_usage.shown import Shown

STYLE = """
:root{--ink:#1f2328;--dim:#667085;--line:#e4e7ec;--paper:#fff;--bar:#4269d0}
@media (prefers-color-scheme:dark){:root:not(.light){--ink:#ececf1;--dim:#a0a4ae;--line:#3a3a40;--paper:#1c1c1f}}
:root.dark{--ink:#ececf1;--dim:#a0a4ae;--line:#3a3a40;--paper:#1c1c1f}
*{box-sizing:border-box}
body{margin:0;background:transparent;color:var(--ink);
font:14px/1.5 system-ui,-apple-system,"Segoe UI","Hiragino Sans","Noto Sans CJK JP","Noto Sans JP",sans-serif}
main{background:var(--paper);border:1px solid var(--line);border-radius:14px;padding:16px 18px;max-width:720px}
h1{font-size:16px;margin:0}h2{font-size:13px;font-weight:600;margin:16px 0 4px;color:var(--dim)}
p{margin:2px 0}.dim{color:var(--dim);font-size:12px}
.budget{display:flex;gap:10px;justify-content:space-between;margin:14px 0 4px;font-size:13px;flex-wrap:wrap}
.bar{height:8px;border-radius:4px;background:var(--line);overflow:hidden}
.bar i{display:block;height:100%;background:var(--bar);border-radius:4px}.bar.full i{background:#d1495b}
svg{width:100%;height:auto;display:block;overflow:visible}svg line{stroke:var(--line)}
svg text{fill:var(--dim);font-size:11px}
table{width:100%;border-collapse:collapse;margin:12px 0 8px;font-size:13px;font-variant-numeric:tabular-nums}
th{font-weight:600;color:var(--dim);text-align:right;padding:4px 0 4px 10px}
td{text-align:right;padding:4px 0 4px 10px;border-top:1px solid var(--line)}
th:first-child,td:first-child{text-align:left;padding-left:0;overflow-wrap:anywhere}tfoot td{font-weight:600}
@media (max-width:520px){main{padding:14px 12px}svg text{font-size:19px}
thead tr,tbody tr,tfoot tr{display:grid;grid-template-columns:1fr 1.5fr 1.5fr 1.3fr;column-gap:6px}
th,td{padding:3px 0;border:0}th{font-size:11px}tbody tr,tfoot tr{border-top:1px solid var(--line)}
th:first-child{display:none}td:first-child{grid-column:1/-1;font-weight:600;padding-top:6px}td{padding-bottom:6px}}
td i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:8px}
"""


# Open WebUI shows the page in a frame of the height that the page asks for.
SCRIPT = """
const main=document.querySelector('main');
const tell=()=>parent.postMessage({type:'iframe:height',height:main.offsetHeight+2},'*');
addEventListener('load',tell);new ResizeObserver(tell).observe(main);
"""


def line(name: str, row: Row, shown: Shown) -> str:
    counts = "".join(f"<td>{number(row, key):,.0f}</td>" for key in ("requests", "input_tokens", "output_tokens"))
    return f"<tr><td>{name}</td>{counts}<td>{escape(shown.money(number(row, 'cost_usd')))}</td></tr>"


def table(models: dict[str, Row], total: Row, shown: Shown) -> str:
    text = shown.text
    head = "".join(f"<th>{text[key]}</th>" for key in ("model", "requests", "input", "output", "cost"))
    body = "".join(
        line(f'<i style="background:{colour(name, index)}"></i>{escape(name) or text["others"]}', row, shown)
        for index, (name, row) in enumerate(models.items())
    )
    foot = line(text["total"], total, shown)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody><tfoot>{foot}</tfoot></table>"


def budget_bar(budget: Any, shown: Shown) -> str:
    if not (isinstance(budget, dict) and number(budget, "usd") > 0):
        return ""
    text, whole, used = shown.text, number(budget, "usd"), number(budget, "used_usd")
    share = min(100.0, used / whole * 100)
    label = whose(budget, text) + text.get(f"windows.{budget.get('window')}", "")
    anew = shown.moment(budget.get("resets_at"))
    anew = f"<p class=dim>{text['anew'].format(when=anew, zone=escape(shown.zone))}</p>" if anew else ""
    said = text["budget"].format(used=shown.money(used), budget=shown.money(whole))
    left = text["left"].format(left=shown.money(max(0.0, number(budget, "left_usd"))))
    return (
        f"<p class=budget><span>{label}</span><b>{said}</b><span>{left}</span></p>"
        f'<div class="bar{" full" if share >= 90 else ""}"><i style="width:{share:.1f}%"></i></div>' + anew
    )


def whose(budget: dict[str, Any], text: dict[str, str]) -> str:
    scope = budget.get("scope")
    return text[f"of.{scope}"].format(name=escape(str(budget.get("name"))[:100])) if scope in ("team", "key") else ""


def budget_bars(usage: dict[str, Any], shown: Shown) -> str:
    """Show each budget that counts, and what goes on when one is used up."""
    told = usage.get("budgets")
    bars = "".join(budget_bar(each, shown) for each in (told if isinstance(told, list) else [usage.get("budget")])[:5])
    listed = usage.get("free_models")
    listed = listed if isinstance(listed, list) else []
    free = [escape(str(name)) for name in listed][:3]
    more = shown.text["free"].format(models=shown.text["between"].join(free)) if free else ""
    contact = usage.get("contact")
    named = escape(contact[:200]) if isinstance(contact, str) and contact else shown.text["administrator"]
    return bars and f"{bars}<p class=dim>{more}{shown.text['ask'].format(contact=named)}</p>"


def document(usage: dict[str, Any], shown: Shown) -> str:
    """Return one HTML page that loads nothing."""
    rows = [row for row in usage.get("rows") or [] if isinstance(row, dict)]
    models = grouped(rows)
    text = shown.text
    period = text["period"].format(
        start=escape(str(usage.get("from"))), end=escape(str(usage.get("to"))), zone=escape(shown.zone)
    )
    inner = (
        f"<h1>{text['title']}</h1><p class=dim>{period}</p>"
        + budget_bars(usage, shown)
        + (
            chart(usage, rows, models, shown) + table(models, usage["total"], shown)
            if rows
            else f"<p>{text['none']}</p>"
        )
        + f"<p class=dim>{text['note']}</p>"
    )
    return (
        f'<!doctype html><html lang="{shown.language}" class="{shown.theme}"><meta charset="utf-8">'
        # No color-scheme: with one that differs from Open WebUI's page the frame would not be transparent.
        f"<title>{text['title']}</title>"
        f"<style>{STYLE}</style><main>{inner}</main><script>{SCRIPT}</script></html>"
    )
