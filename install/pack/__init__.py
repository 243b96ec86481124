"""The pack in a running Open WebUI: manifest and options → desired state; what is there → actual state; diff; apply."""
