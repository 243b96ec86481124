"""Prometheus metrics: of finished requests, counted in batches, and of living parts, read when they are scraped."""
