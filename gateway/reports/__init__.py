"""Questions about the ledger: who used what, and what it cost."""
