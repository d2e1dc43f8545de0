"""What must happen when something breaks: the worker lives, no row is lost, and the trace says what it was."""
