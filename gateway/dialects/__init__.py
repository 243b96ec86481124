"""What goes over the wires: JSON shapes, errors, counts and streams of each API. Pure; no network, no logging.

| file | has |
|---|---|
| `contract.py` | the two roles of a dialect: the client's half writes, the upstream's half reads |
| `endpoint.py`, `endpoints.py` | what can be called, a row each |
| `framing.py` | bytes into events: server-sent events, one document |
| `relay.py` | the contract of a stream on its way back; `passthrough.py` is the one that changes nothing but our name |
| `usage.py`, `estimates.py` | counts as upstreams report them, and what is assumed where they do not |
| `faults.py` | error messages of upstreams, in the shapes of all vendors |
| `chat.py`, `responses.py`, `messages.py` | the dialects |
"""
