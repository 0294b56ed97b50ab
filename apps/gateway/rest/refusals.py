"""The errors of routes that take something in."""

from rest_framework import exceptions, status


class TooLarge(exceptions.APIException):
    """More than this gateway takes; answers 413."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE


class Conflict(exceptions.APIException):
    """The thing is in no state for this; answers 409."""

    status_code = status.HTTP_409_CONFLICT


class NoRoom(exceptions.APIException):
    """The storage does not take it; answers 507."""

    status_code = status.HTTP_507_INSUFFICIENT_STORAGE


class QueueFull(exceptions.APIException):
    """The collectors are behind; answers 429."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    wait = 1


class QueueUnavailable(exceptions.APIException):
    """etcd did not acknowledge in time; answers 503."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    wait = 2
