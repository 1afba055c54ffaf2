"""A write as the apiserver's journal has it: which revision, of what, by whom, because of which others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from apimachinery.objects import NamespacedName, Object
from apimachinery.scheme import BUILTIN
from apimachinery.times import parse_time
from kubectl.resources import singular_name

_NODE_USER = "system:node:"
_VERBS = {"create": "creates", "update": "updates", "patch": "patches", "delete": "deletes"}
_WORDS = {
    ("create", ""): "creates",
    ("create", "binding"): "binds",
    ("create", "eviction"): "evicts",
    ("update", ""): "updates",
    ("patch", ""): "patches",
    ("delete", ""): "deletes",
    ("deletecollection", ""): "deletes with others",
    ("update", "status"): "reports the status of",
    ("patch", "status"): "reports the status of",
}


@dataclass(frozen=True, slots=True)
class Write:
    revision: int
    end: datetime
    milliseconds: float
    verb: str
    resource: str
    """`deployments.apps`, without a subresource."""
    subresource: str
    key: NamespacedName
    user: str
    user_agent: str
    actor: str
    trace: str
    causes: tuple[int, ...]

    @property
    def begin(self) -> datetime:
        return self.end - timedelta(milliseconds=self.milliseconds)

    @property
    def component(self) -> str:
        """Who did it, as people call it: a controller, a kubelet and its node, a program."""
        if self.actor:
            return self.actor if self.actor.endswith("-controller") else f"{self.actor} controller"
        program = self.user_agent.partition("/")[0] or self.user
        if self.user.startswith(_NODE_USER):
            return f"{program} of {self.user.removeprefix(_NODE_USER)}"
        return program

    @property
    def action(self) -> str:
        """`creates pod/web`."""
        if word := _WORDS.get((self.verb, self.subresource)):
            return f"{word} {self.label}"
        return f"{_VERBS.get(self.verb, self.verb)} {self.subresource} of {self.label}"

    @property
    def label(self) -> str:
        """`deployment.apps/web`; of a kind that is not built in, its plural."""
        known = next((each for each in BUILTIN if each.group_resource == self.resource), None)
        return f"{singular_name(known) if known else self.resource}/{self.key.name}"


def parse_write(line: Object) -> Write:
    """A line of /debug/journal."""
    resource, slash, rest = line["resource"].partition("/")
    subresource, dot, group = rest.partition(".") if slash else ("", "", "")
    return Write(
        revision=line["revision"],
        end=parse_time(line["time"]),
        milliseconds=line["milliseconds"],
        verb=line["verb"],
        resource=f"{resource}{dot}{group}",
        subresource=subresource,
        key=NamespacedName(line["namespace"], line["name"]),
        user=line["user"],
        user_agent=line["userAgent"],
        actor=line.get("actor", ""),
        trace=line["trace"],
        causes=tuple(int(each) for each in line["causes"] if each.isdigit()),
    )
