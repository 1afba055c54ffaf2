"""OneRegistry: pods run images of one registry; who names none means it."""

from apimachinery.scheme import PODS
from apiserver.admission.attributes import Plugin
from apiserver.admission.refusal import refuse


class OneRegistry(Plugin):
    name = "OneRegistry"

    def __init__(self, registry):
        self.prefix = f"{registry}/"

    def handles(self, operation, resource, subresource):
        return resource == PODS and operation in ("CREATE", "UPDATE") and not subresource

    async def admit(self, attributes):
        for container in attributes.object["spec"]["containers"]:
            if "/" not in container["image"]:
                container["image"] = self.prefix + container["image"]

    async def validate(self, attributes):
        for container in attributes.object["spec"]["containers"]:
            if not container["image"].startswith(self.prefix):
                raise refuse(attributes, f"images come from {self.prefix}, not {container['image']}")


def plugins(cluster):
    return [OneRegistry(cluster.configuration("OneRegistry").get("registry", "registry.example.com"))]
