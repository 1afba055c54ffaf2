"""`sampan certs`: the PKI for daemons that others start, in containers say, and how long it lasts."""

from __future__ import annotations

import os
import pwd
from datetime import datetime
from pathlib import Path

from cryptography import x509

from kubeadm import certs, kubeconfigs
from kubeadm.config import ClusterConfig
from kubeadm.up import make_folders


def make(config: ClusterConfig, owner: str = "") -> list[str]:
    """Certificates and kubeconfigs; what was made. They belong to `owner`, who alone reads the keys."""
    make_folders(config)
    made = certs.ensure_pki(config)
    kubeconfigs.write_kubeconfigs(config)
    if owner:
        user = int(owner) if owner.isdigit() else pwd.getpwnam(owner).pw_uid
        for path in [config.state_dir, *config.state_dir.rglob("*")]:
            os.chown(path, user, -1)
    return made


def ends(pki: Path) -> list[tuple[str, datetime]]:
    """Each certificate below a folder, and when it ends: the next to end first."""
    found = [
        (str(path.relative_to(pki)), x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc)
        for path in pki.rglob("*.crt")
    ]
    return sorted(found, key=lambda pair: (pair[1], pair[0]))
