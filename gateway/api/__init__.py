"""The routes: one file an endpoint family or concern, pure ASGI where a stream passes."""
