"""Calls to the models' servers: `client` opens one along a `way`, `connection` speaks HTTP/1.1.

Our own, because this way is what a gateway is: a call costs 57 µs of CPU here, 82 with pyreqwest, 206 with aiohttp,
1,260 with httpx; a streamed chunk 24, 38, 37 (uvloop, one core, nginx answering; 2026-11). The parser is llhttp.
HTTP/1.1 on purpose: one HTTP/2 connection a host stalls at about a hundred streams, and bursts are our rule.
"""
