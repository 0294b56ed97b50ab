"""The table of API tokens: what a program signs in with."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinLengthValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from apps.gateway.access.roles import Role
from apps.gateway.access.token_text import TokenText, new_token

ROLES = [(role.value, role.name.lower()) for role in Role if role]


class ApiToken(models.Model):
    """One token. Of its secret only the SHA-256 is kept, so it cannot be shown again."""

    name = models.CharField(
        max_length=100, validators=[MinLengthValidator(1)], help_text="what it is for"
    )
    prefix = models.CharField(
        max_length=12, unique=True, editable=False, help_text="its second part, which is no secret"
    )
    secret_sha256 = models.BinaryField(max_length=32, editable=False)
    role = models.PositiveSmallIntegerField(choices=ROLES)
    clusters = ArrayField(
        models.CharField(max_length=253),
        default=list,
        blank=True,
        help_text="slugs of the clusters that it may see, comma-separated; empty: all of them",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="UTC; empty: never")
    revoked_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False, help_text="to the minute or so")

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API token"
        constraints = [
            models.CheckConstraint(condition=Q(role__gte=Role.VIEWER), name="token_has_a_role"),
            models.CheckConstraint(condition=~Q(name=""), name="token_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @property
    def state(self) -> str:
        """`valid`, `expired` or `revoked`, now."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= timezone.now() else "valid"


def issue(**facts: Any) -> tuple[ApiToken, TokenText]:
    """Store a new token; its text is known here and never again."""
    token = ApiToken(**facts)
    text = draw_secret(token)
    token.save()
    return token, text


def draw_secret(token: ApiToken) -> TokenText:
    """Give a token that is not stored yet its prefix and secret, and answer its text."""
    text = new_token()
    token.prefix, token.secret_sha256 = text.prefix, text.digest
    return text
