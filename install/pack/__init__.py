"""The pack in a running Open WebUI.

- `manifest/`: what pack.yaml may say, and the values behind `${NAME}`, `file:` and `prompt:`;
- `plugin.py`, `plugin_valves.py`: a plugin file as data;
- `resources/`: a file for each kind of resource: what the manifest wants of it, how it is read, described and written;
- `engine/`: compares, plans, applies, reads back, rolls back and takes away, and keeps the receipts of it;
- `inputs.py`, `tree.py`: what a plan depends on, and records as leaves, which both of these share.
"""
