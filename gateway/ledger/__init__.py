"""One record a request, on disk before the answer's last byte."""
