"""Several machines with one `shared_state`: changes, accepted definitions, and requests that another hub must serve."""
