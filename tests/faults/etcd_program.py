"""The etcd that faults are tried on: one that keeps what it acknowledged when it is killed."""

import os
from pathlib import Path

import pytest

from apps.embedded.etcd import etcd_version, find_etcd, may_lose_writes
from apps.embedded.processes import StartFailed


def sound_etcd() -> Path:
    """What the product would start, unless it loses writes. Raises StartFailed."""
    found = find_etcd()
    if may_lose_writes(etcd_version(found)):
        raise StartFailed(
            f"{found} can lose acknowledged writes when killed: install the package etcd-server, "
            "or set ETCD_BIN to etcd 3.4 or one from 3.5.3 on"
        )
    return found


def _why_missing() -> str:
    try:
        sound_etcd()
    except StartFailed as error:
        return str(error)
    return ""


# Where services must be there the tests run, and fail.
needs_sound_etcd = pytest.mark.skipif(
    os.environ.get("CI") != "true" and bool(_why_missing()), reason=_why_missing()
)
