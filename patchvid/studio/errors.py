"""Errors of the studio, which the page shows."""

from patchvid.errors import PatchvidError


class Refused(PatchvidError):
    """A request of the page that cannot be met; the message says why."""


class TooLarge(Refused):
    """A request with more bytes than are taken."""


class Cancelled(Exception):
    """A job that was cancelled, raised by its progress callback."""
