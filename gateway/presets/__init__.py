"""What coding tools are told of the gateway: by files that `sekisho client` writes, and by routes that tools ask.

Pure functions without dependencies: the installer uses them, too.
"""
