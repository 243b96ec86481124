"""The description of `/admin/…` and `/v1/me/…` as OpenAPI 3.1, made from the structs of their requests and answers."""
