"""DenyServiceExternalIPs: nobody draws traffic to a Service by giving it somebody else's address.

Source: plugin/pkg/admission/network/denyserviceexternalips/admission.go of Kubernetes 1.34.
"""

from __future__ import annotations

from apimachinery.objects import get_path
from apimachinery.scheme import SERVICES, Resource
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.refusal import refuse


class DenyServiceExternalIPs:
    name = "DenyServiceExternalIPs"

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return resource == SERVICES and operation in ("CREATE", "UPDATE") and not subresource

    async def validate(self, attributes: Attributes) -> None:
        wanted = set(get_path(attributes.object, "spec.externalIPs") or ())
        if wanted - set(get_path(attributes.old_object, "spec.externalIPs") or ()):
            raise refuse(attributes, "Use of external IPs is denied by admission control")
