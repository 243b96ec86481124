"""Sessions of people who are signed in with a browser: kept in the database, revocable, shared by all processes."""
