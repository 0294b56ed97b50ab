"""Messages that could not be stored, kept with the reason."""

from django.db import models


class DeadLetter(models.Model):
    """One message that is no valid record or that the database refused."""

    cluster = models.CharField(max_length=253)
    # Keys may be longer than an index takes, so the hash of (key, value) is what is unique.
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    key = models.TextField(help_text="the message's key in the queue")
    value = models.BinaryField(help_text="the message's bytes as they were")
    reason = models.TextField()
    buried_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-buried_at"]

    def __str__(self) -> str:
        return self.key
