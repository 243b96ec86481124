"""What tool servers offer."""
