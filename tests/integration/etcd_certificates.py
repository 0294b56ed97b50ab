"""Certificates for an etcd and its clients, made for one test run."""

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Files:
    """Paths of PEM files: who is trusted, the own certificate, its key."""

    ca: str
    cert: str
    key: str


class Authority:
    """A certificate authority with a server's certificate for loopback, and a client's."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self._ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(self._ca)
        self.server = self._written(authority.issue_cert("127.0.0.1"), folder / "server")
        self.client = self._written(authority.issue_cert("client.test"), folder / "client")

    def _written(self, issued: trustme.LeafCert, stem: Path) -> Files:
        cert, key = stem.with_suffix(".pem"), stem.with_suffix(".key")
        issued.cert_chain_pems[0].write_to_path(cert)
        issued.private_key_pem.write_to_path(key)
        return Files(str(self._ca), str(cert), str(key))

    @property
    def etcd_arguments(self) -> list[str]:
        """For a server that speaks TLS and takes only clients with a certificate of ours."""
        return [
            f"--cert-file={self.server.cert}",
            f"--key-file={self.server.key}",
            f"--trusted-ca-file={self.server.ca}",
            "--client-cert-auth",
        ]
