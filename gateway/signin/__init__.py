"""OpenID Connect: people sign in to the console with the company's provider (code flow, PKCE)."""
