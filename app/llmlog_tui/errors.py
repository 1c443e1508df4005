"""The base of errors that a command prints as one line."""


class UserError(Exception):
    """A file, id, query or option cannot be used. The message is for the user."""
