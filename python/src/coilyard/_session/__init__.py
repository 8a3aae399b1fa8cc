"""A session as Python code sees it, one group of methods per file."""
