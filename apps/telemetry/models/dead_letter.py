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
    uuid = models.CharField(
        "UUID", max_length=128, blank=True, db_default="",
        help_text="of the GPU, where the message says it",
    )  # fmt: skip
    timestamp = models.DateTimeField(
        null=True, help_text="of the record, where the message says it"
    )
    buried_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-buried_at"]
        indexes = [
            models.Index(
                fields=["uuid", "buried_at"], name="dead_letter_of_gpu",
                condition=~models.Q(uuid=""),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.key
