"""Jobs on a ledger's files, each in a process of its own: ship, compact, expire, prune, reprice, forget a person."""
