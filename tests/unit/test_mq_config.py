"""What a queue's configuration refuses."""

import pytest

from apps.mq.config import QueueConfig


@pytest.mark.parametrize("endpoint", ["http://etcd:2379", "etcd", "etcd:", "", "a:1 b:2", "etcd:x"])
def test_what_is_no_host_and_port_is_refused_with_the_setting_to_correct(endpoint: str) -> None:
    with pytest.raises(ValueError, match="set ETCD_ENDPOINTS to host:port"):
        QueueConfig(("localhost:2379", endpoint), "c")


@pytest.mark.parametrize("endpoint", ["etcd:2379", "127.0.0.1:2379", "[::1]:2379", "e-1.site:1"])
def test_host_and_port_are_taken(endpoint: str) -> None:
    assert QueueConfig((endpoint,), "c").endpoints == (endpoint,)


@pytest.mark.parametrize("setting", ["ca_cert", "client_cert", "client_key"])
def test_a_missing_tls_file_is_refused_by_the_name_of_its_setting(setting: str) -> None:
    with pytest.raises(ValueError, match=setting):
        QueueConfig(("localhost:2379",), "c", **{setting: "/nowhere/file.pem"})  # type: ignore[arg-type]
