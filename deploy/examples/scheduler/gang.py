"""Gang: pods of one group get their nodes together, or none of them does."""

from scheduler.framework.interface import Wait
from scheduler.framework.own import OwnPlugin

GROUP, SIZE = "example.com/group", "example.com/group-size"


class Gang(OwnPlugin):
    name = "Gang"

    def permit(self, pod, node):
        group = pod.labels.get(GROUP)
        placed = [each for each in self.handle.cache.pods.values() if each.labels.get(GROUP) == group]
        if group and len(placed) < int(pod.labels[SIZE]):
            return Wait(self.args.get("seconds", 30))
        for waiting in self.others(group):
            waiting.allow(self.name)

    def reserve(self, pod, node, state):
        return pod.labels.get(GROUP)

    def unreserve(self, pod, group):
        for waiting in self.others(group):
            waiting.reject(self.name, f"{pod.key.name} of group {group} did not get a node")

    def others(self, group):
        return [each for each in self.handle.waiting if each.pod.labels.get(GROUP) == group]


PLUGINS = [Gang]
