"""Errors that end a daemon and need no traceback."""


class ExplainedError(Exception):
    """What is wrong is with what the daemon was told or met, not with it: a line says all of it."""
