"""Sentences for the people who read an error: what happened, whether to try again, whom to ask."""
