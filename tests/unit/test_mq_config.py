"""What a queue's configuration refuses."""

import pytest

from apps.mq.config import QueueConfig


@pytest.mark.parametrize("setting", ["ca_cert", "client_cert", "client_key"])
def test_a_missing_tls_file_is_refused_by_the_name_of_its_setting(setting: str) -> None:
    with pytest.raises(ValueError, match=setting):
        QueueConfig(("localhost:2379",), "c", **{setting: "/nowhere/file.pem"})  # type: ignore[arg-type]
