"""What the wires look like: JSON shapes and nothing else. Pure functions, no network, no logging.

`family.py` has the two shapes that everything else is data for: a `Dialect` is a wire (its errors, its counts of
tokens, its streams), a `Family` is one endpoint of it. A request whose upstream speaks its dialect goes through
untouched; a model that has no such upstream is refused with 400.

Where the two differ there will be a converter: one file a pair, named after both (`messages_to_chat.py`: our client
speaks Messages, the upstream Chat), with three pure functions of these names and nothing else that is public:

| function | from | to |
|---|---|---|
| `to_request(fields)` | the client's request members | the upstream's, and the names of what was dropped |
| `from_response(answer)` | the upstream's whole answer | the client's |
| `from_event(payload)` | one event of the upstream's stream | the client's events, none, one or several |

`from_event` belongs to an object that lives as long as its stream, as events are numbered and blocks are opened.
"""
