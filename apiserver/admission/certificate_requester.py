"""Who asked for a certificate: written into a CertificateSigningRequest, whatever its sender claims.

Upstream has this in the kind's strategy, which there knows the user.
"""

from __future__ import annotations

from apimachinery.scheme import CERTIFICATE_SIGNING_REQUESTS, Resource
from apiserver.admission.attributes import Attributes, Operation


class CertificateRequester:
    name = "CertificateRequester"

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return resource == CERTIFICATE_SIGNING_REQUESTS and operation == "CREATE" and not subresource

    async def admit(self, attributes: Attributes) -> None:
        if attributes.object is None:
            return
        user, spec = attributes.user, attributes.object.setdefault("spec", {})
        said = {
            "username": user.name,
            "uid": user.uid,
            "groups": list(user.groups),
            "extra": {key: list(values) for key, values in user.extra.items()},
        }
        for key, value in said.items():
            if value:
                spec[key] = value
            else:
                spec.pop(key, None)
