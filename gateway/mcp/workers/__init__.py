"""Several processes of one gateway: one of them runs the hub, the others hand their requests over to it."""
