"""Sign in to a gateway from the command line: with a browser of this machine, or a code for one anywhere."""
