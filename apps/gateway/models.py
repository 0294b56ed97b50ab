"""The tables of the gateway."""

from apps.gateway.access.api_token import ApiToken

__all__ = ["ApiToken"]
