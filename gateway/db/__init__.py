"""The database: keys and budgets. No row a request, ever."""
