"""Rows of data files: read, typed, bound to a task, and accounted for."""
