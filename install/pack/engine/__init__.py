"""Plan, apply, read back, roll back, take away; receipts of what was done."""
