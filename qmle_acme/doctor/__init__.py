"""Whether this machine can run what is asked of it, a line each, and what to do."""
