"""What goes wrong in the archive."""


class ArchiveFailed(RuntimeError):
    """A day could not be archived, restored or read; the message says why and what to do."""
