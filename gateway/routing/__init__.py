"""Which deployments may take a request, and in which order."""
