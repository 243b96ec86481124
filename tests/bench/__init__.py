"""`make bench`: the gateway with everything on, beside its peers, in one run on one machine."""
