"""What may stand in the query of which request: metav1's options, as OpenAPI parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from apimachinery.objects import Object


class Parameter(NamedTuple):
    name: str
    type: str
    description: str
    place: str = "query"


_ALL = {
    each.name: each
    for each in (
        Parameter("allowWatchBookmarks", "boolean", "Ask for BOOKMARK events, which servers may leave out."),
        Parameter(
            "continue", "string", "Go on after a page: the token that came with it, which ends with its time."
        ),
        Parameter("dryRun", "string", "All: go through every stage, and store nothing."),
        Parameter("fieldManager", "string", "Who manages the fields that this request sets."),
        Parameter(
            "fieldSelector", "string", "Restrict the list of returned objects by their fields. Default: all."
        ),
        Parameter(
            "fieldValidation",
            "string",
            "What becomes of unknown and duplicate fields: Ignore, Warn (the default) or Strict.",
        ),
        Parameter("force", "boolean", "Take fields over that others manage. For apply patches only."),
        Parameter(
            "gracePeriodSeconds",
            "integer",
            "Seconds before the object goes; 0: at once. Default: its own.",
        ),
        Parameter(
            "ignoreStoreReadErrorWithClusterBreakingPotential",
            "boolean",
            "Delete what cannot be read any more, without finalizers and preconditions.",
        ),
        Parameter(
            "labelSelector", "string", "Restrict the list of returned objects by their labels. Default: all."
        ),
        Parameter("limit", "integer", "At most so many objects; with more, `continue` leads to the others."),
        Parameter("orphanDependents", "boolean", "Deprecated: use propagationPolicy."),
        Parameter("pretty", "string", "true: print the answer for people to read."),
        Parameter(
            "propagationPolicy", "string", "What becomes of dependents: Orphan, Background or Foreground."
        ),
        Parameter("resourceVersion", "string", "How new the answer has to be, or since when to watch."),
        Parameter("resourceVersionMatch", "string", "How resourceVersion is meant: Exact or NotOlderThan."),
        Parameter(
            "sendInitialEvents", "boolean", "Begin a watch with all objects, and a bookmark after the last."
        ),
        Parameter("timeoutSeconds", "integer", "End the list or the watch after so long."),
        Parameter(
            "watch",
            "boolean",
            "Watch for changes to the described resources: a stream of events that add, update and remove.",
        ),
        Parameter("command", "string", "The command to run, once for each word of it. There is no shell."),
        Parameter("container", "string", "The container; where there is only one it need not be said."),
        Parameter("follow", "boolean", "Go on with what is written later."),
        Parameter("insecureSkipTLSVerifyBackend", "boolean", "Take the kubelet's certificate as it is."),
        Parameter("limitBytes", "integer", "End after so many bytes."),
        Parameter("path", "string", "What follows in the URL of the request that is passed on."),
        Parameter("ports", "integer", "The ports to forward; for WebSockets."),
        Parameter("previous", "boolean", "The log of the container before the last restart."),
        Parameter("sinceSeconds", "integer", "Only what was written in so many seconds."),
        Parameter("stderr", "boolean", "Redirect what is written to the standard error."),
        Parameter("stdin", "boolean", "Redirect the standard input."),
        Parameter("stdout", "boolean", "Redirect what is written to the standard output."),
        Parameter("stream", "string", "Which of the container's streams: All, Stdout or Stderr."),
        Parameter("tailLines", "integer", "Only so many lines of the end."),
        Parameter("timestamps", "boolean", "Begin each line with the time when it was written."),
        Parameter("tty", "boolean", "Whether the container has a terminal."),
    )
}


def _named(names: str) -> tuple[Parameter, ...]:
    return tuple(_ALL[name] for name in names.split())


PRETTY = _named("pretty")
_READ = (
    "continue fieldSelector labelSelector limit resourceVersion resourceVersionMatch sendInitialEvents "
    "timeoutSeconds"
)
LIST = _named(f"allowWatchBookmarks {_READ} watch")
WRITE = _named("dryRun fieldManager fieldValidation")
PATCH = (*WRITE, *_named("force"))
_DELETE = (
    "dryRun gracePeriodSeconds ignoreStoreReadErrorWithClusterBreakingPotential orphanDependents "
    "propagationPolicy"
)
DELETE = _named(_DELETE)
DELETE_COLLECTION = _named(f"{_READ} {_DELETE}")
LOG = _named(
    "container follow insecureSkipTLSVerifyBackend limitBytes previous sinceSeconds stream tailLines "
    "timestamps"
)
CONNECT = {
    "attach": _named("container stderr stdin stdout tty"),
    "exec": _named("command container stderr stdin stdout tty"),
    "portforward": _named("ports"),
    "proxy": _named("path"),
}
"""By subresource."""

_OF_PATHS = {
    "name": "The object's name.",
    "namespace": "The namespace of the object.",
    "path": "The path to the resource.",
}


def of_path(path: str) -> tuple[Parameter, ...]:
    """Those that stand in a path."""
    return tuple(
        Parameter(name, "string", text, "path") for name, text in _OF_PATHS.items() if f"{{{name}}}" in path
    )


def ordered(parameters: Iterable[Parameter]) -> list[Parameter]:
    return sorted(parameters, key=lambda each: (each.name, each.place))


def to_v2(parameter: Parameter) -> Object:
    required = {"required": True} if parameter.place == "path" else {}
    return {
        "description": parameter.description,
        "in": parameter.place,
        "name": parameter.name,
        **required,
        "type": parameter.type,
        "uniqueItems": True,
    }
