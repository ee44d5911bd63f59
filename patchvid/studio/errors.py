"""Errors of the studio, which the page shows."""

from patchvid.errors import PatchvidError


class Refused(PatchvidError):
    """A request from the page that cannot be answered; the message says why."""


class TooLarge(Refused):
    """A request with more bytes than allowed."""


class Cancelled(Exception):
    """A job that was cancelled, raised by its progress callback."""
