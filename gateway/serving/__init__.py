"""The listening side: HTTP/1.1 with limits, one request at a time, and the life of the server process."""
