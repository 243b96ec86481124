"""Queries and reports on the ledger: who used what, and what it cost."""
