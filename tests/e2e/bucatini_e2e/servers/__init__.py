"""Private instances of real servers. Each is a context manager: started on a free port, always stopped."""
