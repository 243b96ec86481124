"""The embedded stack: model, embeddings, gateway and Open WebUI on one machine, without an account or a GPU."""
