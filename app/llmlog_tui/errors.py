"""Errors that a command prints as one line."""


class UserError(Exception):
    """A file, id, query or option cannot be used. The message is for the user."""


def reason(error: Exception) -> str:
    """Return the message of an error; of an OSError without its number and path."""
    # polars raises OSError without a strerror.
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
