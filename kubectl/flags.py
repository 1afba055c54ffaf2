"""The flags that several verbs share, each named once."""

from __future__ import annotations

from typing import Annotated

from kubectl.arguments import Flag


class KustomizationFolder(str):
    """A folder of -k, among the files of -f."""


Filenames = Annotated[
    list[str] | None,
    Flag("--filename", "-f", commas=True, help="Files, folders or URLs of the objects; - is standard input."),
    Flag("--kustomize", "-k", help="A folder with a kustomization.", make=KustomizationFolder),
]
Recursive = Annotated[bool, Flag("--recursive", "-R", help="Also the folders inside the folders of -f.")]
Selector = Annotated[
    str, Flag("--selector", "-l", help="The labels that objects must have (a=b,c!=d,e in (f)).")
]
NodeSelector = Annotated[
    str | None, Flag("--selector", "-l", help="The labels that nodes must have (a=b,c!=d,e in (f)).")
]
FieldSelector = Annotated[str, Flag("--field-selector", help="The fields that objects must have (a=b,c!=d).")]
Everything = Annotated[bool, Flag("--all", help="All objects of the given types in the namespace.")]
AllNamespaces = Annotated[bool, Flag("--all-namespaces", "-A", help="In all namespaces.")]
Output = Annotated[
    str,
    Flag(
        "--output",
        "-o",
        help="One of: json, yaml, name, go-template, go-template-file, template, templatefile, jsonpath, "
        "jsonpath-as-json, jsonpath-file; of get also custom-columns, custom-columns-file, wide.",
    ),
]
IgnoreNotFound = Annotated[bool, Flag("--ignore-not-found", help="What is not there is no failure.")]
Template = Annotated[str, Flag("--template", help="The template of -o go-template and its kind.")]
AllowMissing = Annotated[
    bool, Flag("--allow-missing-template-keys", help="A template may name what an object has not.")
]
ShowManagedFields = Annotated[bool, Flag("--show-managed-fields", help="Print metadata.managedFields, too.")]
NoHeaders = Annotated[bool, Flag("--no-headers", help="Print no headings.")]
Dry = Annotated[
    str,
    Flag(
        "--dry-run",
        bare="unchanged",
        help="none; client: only print what would be sent; server: have the server do all but keep it.",
    ),
]
FieldManager = Annotated[str, Flag("--field-manager", help="The name that owns the fields that are set.")]
SaveConfig = Annotated[bool, Flag("--save-config", help="Remember the configuration for apply.")]
Validate = Annotated[
    str,
    Flag(
        "--validate", bare="strict", help="strict (or true): refuse unknown fields; warn; ignore (or false)."
    ),
]
ChunkSize = Annotated[int, Flag("--chunk-size", help="How many objects to ask for at a time; 0: all.")]
Subresource = Annotated[str, Flag("--subresource", help="Work on this subresource (status, scale).")]
Record = Annotated[bool, Flag("--record", hidden=True)]
ResourceVersion = Annotated[
    str, Flag("--resource-version", help="Only if this is still the object's resourceVersion.")
]
Overwrite = Annotated[bool, Flag("--overwrite", help="Also change what has a value.")]
Container = Annotated[str, Flag("--container", "-c", help="The container; by default the pod's first.")]
Quiet = Annotated[bool, Flag("--quiet", "-q", help="Print only what is asked for.")]
Local = Annotated[bool, Flag("--local", help="Change what is in the files, and do not ask the server.")]
Overrides = Annotated[str, Flag("--overrides", help="JSON that changes the object before it is created.")]
OverrideType = Annotated[str, Flag("--override-type", help="What --overrides is: json, merge or strategic.")]
