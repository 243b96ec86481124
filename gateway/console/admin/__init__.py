"""Pages of team leads and administrators."""
