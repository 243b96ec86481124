"""Whom we call: a row a provider in `rows.py`, of the shape in `contract.py`. Code only where a row cannot say it."""
