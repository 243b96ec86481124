"""Spending by day, key, person and team, derived from the ledger; budgets are counted from it."""
