"""Bodies and answers that the code builds by hand; the rest is described by the structs that the code itself uses.

Every answer of the tests is compared with these.
"""
