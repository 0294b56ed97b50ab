"""The inventory: clusters, their hosts and the GPUs in them, registered by what they report.

When a host or GPU was last seen is read from the latest samples, not stored a second time.
"""

from django.db import models
from django.db.models.functions import Now


class Cluster(models.Model):
    """A fleet with its own queue; `slug` is the CLUSTER_ID of its streamers and collectors."""

    slug = models.CharField(max_length=128, unique=True)
    name = models.CharField(max_length=255, blank=True, db_default="")
    first_seen_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.name or self.slug


class Host(models.Model):
    """A machine of a cluster."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="hosts")
    hostname = models.CharField(max_length=253)
    first_seen_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "hostname"], name="host_unique_in_cluster"),
        ]

    def __str__(self) -> str:
        return self.hostname


class Gpu(models.Model):
    """A GPU, which is its UUID: it keeps its row and samples when it moves.

    `gpu_index` is its number within the host (the record's `gpu_id`). It is not unique: while two
    GPUs trade places, both hold the same one for a moment. `described_at` is the time of the record
    that the other facts come from, so that an older record replayed later changes none of them.

    Deleting a GPU leaves its samples unreachable; they go with the retention of their day. If it
    reports again it is registered anew.
    """

    uuid = models.CharField("UUID", max_length=128, unique=True)
    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="gpus")
    gpu_index = models.PositiveSmallIntegerField("index")
    device = models.CharField(max_length=1024, blank=True, db_default="")
    model_name = models.CharField(max_length=1024, blank=True, db_default="")
    driver_version = models.CharField(max_length=1024, blank=True, db_default="")
    pci_bus_id = models.CharField("PCI address", max_length=1024, blank=True, db_default="")
    described_at = models.DateTimeField(editable=False)
    first_seen_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "GPU"

    def __str__(self) -> str:
        return self.uuid
