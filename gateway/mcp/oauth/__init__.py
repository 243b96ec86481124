"""OAuth 2.1 towards tool servers: the gateway is the client, and each person has tokens of their own."""
