"""The report of a month: its figures, and one HTML page that shows them and needs nothing else.

Vega-Lite draws the charts while the report is written; the page holds them as SVG whose colours are CSS variables,
so that it is light, dark and printable without a script and without a network.
"""
