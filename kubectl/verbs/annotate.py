"""`annotate`: sets and removes annotations of objects."""

from __future__ import annotations

from typing import Annotated

from kubectl.arguments import Flag, Words
from kubectl.flags import (
    AllNamespaces,
    Dry,
    Everything,
    FieldSelector,
    Filenames,
    Overwrite,
    ResourceVersion,
    Selector,
)
from kubectl.marking import Marking, run
from kubectl.printers import AS_IS, Printing


def annotate(
    words: Annotated[list[str], Words("TYPE NAME KEY=VALUE... KEY-...")],
    filename: Filenames = None,
    selector: Selector = "",
    field_selector: FieldSelector = "",
    everything: Everything = False,
    all_namespaces: AllNamespaces = False,
    overwrite: Overwrite = False,
    show: Annotated[bool, Flag("--list", help="Print the annotations.")] = False,
    resource_version: ResourceVersion = "",
    printing: Printing = AS_IS,
    dry: Dry = "none",
) -> None:
    """Update the annotations on a resource."""
    marking = Marking("annotations", overwrite, resource_version, show, printing)
    run(marking, words, filename, (selector, field_selector, everything, all_namespaces), dry)
