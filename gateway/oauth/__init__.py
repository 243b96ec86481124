"""The authorization server: programs that run on a person's machine get a key of theirs, when they say yes.

Device grant (RFC 8628), authorization code with PKCE and loopback redirects (RFC 7636, 8252), renewal with rotation,
revocation (RFC 7009), token exchange (RFC 8693) and metadata (RFC 8414). The access token is a key as people make them.
"""
