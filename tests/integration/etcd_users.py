"""Switches etcd's users on, as an operator would: with etcdctl."""

import os
import subprocess

ROOT = "root:of all keys"
USER, PASSWORD = "pipeline", "between pipes"
PREFIX = "/telemetry/"


def switch_users_on(endpoint: str) -> None:
    """A root user, and one who may read and write the queue's keys only."""
    for command in (
        ["user", "add", ROOT],
        ["user", "grant-role", "root", "root"],
        ["role", "add", USER],
        ["role", "grant-permission", "--prefix=true", USER, "readwrite", PREFIX],
        ["user", "add", f"{USER}:{PASSWORD}"],
        ["user", "grant-role", USER, USER],
        ["auth", "enable"],
    ):
        etcdctl(endpoint, *command)


def add_user(endpoint: str, name: str) -> None:
    """Another user, after which etcd takes no token from before."""
    etcdctl(endpoint, f"--user={ROOT}", "user", "add", f"{name}:secret")


def etcdctl(endpoint: str, *arguments: str) -> None:
    """Run it; raises CalledProcessError."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ETCD")}
    subprocess.run(
        ["etcdctl", f"--endpoints={endpoint}", *arguments],
        env={**environment, "ETCDCTL_API": "3"},
        check=True,
        capture_output=True,
        timeout=30,
    )
