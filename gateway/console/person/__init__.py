"""A person's own pages: use and budget, models, keys, set-up of tools, a box to try a prompt."""
