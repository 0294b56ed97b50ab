"""What people may do: Django's users, signed in by session or by HTTP Basic."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User

from apps.gateway.access.roles import NOBODY, Principal, Role

# The group whose members are operators; a migration makes it.
OPERATORS = "operator"


def principal_of_user(user: AbstractBaseUser | AnonymousUser) -> Principal:
    """Superusers are admins, members of the group `operator` operators, all others viewers."""
    if not isinstance(user, User) or not user.is_active:
        return NOBODY
    if user.is_superuser:
        return Principal(user.username, Role.ADMIN)
    is_operator = user.groups.filter(name=OPERATORS).exists()
    return Principal(user.username, Role.OPERATOR if is_operator else Role.VIEWER)
