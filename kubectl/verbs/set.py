"""`set`: images, environment and resources of what has a pod template."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

from apimachinery.objects import Object, deep_copy, get_path, name_of
from apimachinery.schema import builtin
from apimachinery.strategic import create_two_way_patch
from kubectl import dry_run, printers, session
from kubectl.arguments import Flag, Words
from kubectl.commands import Group
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.flags import Dry, Everything, Filenames, Selector
from kubectl.printers import AS_IS, Printing
from kubectl.selection import Selected, Selection, resolve

if TYPE_CHECKING:
    from client.rest import Client

Updates = Annotated[list[str], Words("(TYPE NAME | TYPE/NAME) KEY=VALUE...")]
Change = Callable[[Object], None]
"""Changes a pod spec in place. Raises CommandError."""


def image(
    words: Updates,
    filename: Filenames = None,
    selector: Selector = "",
    everything: Everything = False,
    dry: Dry = "none",
    printing: Printing = AS_IS,
) -> None:
    """Update the image of a pod template."""
    names, pairs = split(words)
    if not pairs:
        raise CommandError("at least one image update is required")

    def change(spec: Object) -> None:
        for container_name, wanted in pairs.items():
            _set_image(spec, container_name, wanted)

    selection = Selection(names, filename or (), selector, everything=everything)
    _change_all(selection, change, "image updated", dry, printing)


def _set_image(spec: Object, name: str, wanted: str) -> None:
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    matching = [each for each in containers if name == "*" or each["name"] == name]
    if not matching:
        raise CommandError(f'unable to find container named "{name}"')
    for each in matching:
        each["image"] = wanted


def env(
    words: Updates,
    filename: Filenames = None,
    selector: Selector = "",
    everything: Everything = False,
    containers: Annotated[str, Flag("--containers", "-c", help="A pattern.")] = "*",
    show: Annotated[bool, Flag("--list")] = False,
    dry: Dry = "none",
    printing: Printing = AS_IS,
) -> None:
    """Update environment variables on a pod template; KEY- removes."""
    names, pairs = split(words)
    removed = [name.removesuffix("-") for name in names if name.endswith("-")]
    selection = Selection(
        [name for name in names if not name.endswith("-")], filename or (), selector, everything=everything
    )
    if show:
        session.run(lambda client, namespace: _list_all(client, namespace, selection, containers))
        return
    if not pairs and not removed:
        raise CommandError("at least one environment variable must be provided")

    def change(spec: Object) -> None:
        for container in _chosen(spec, containers):
            container["env"] = update_env(container.get("env") or (), pairs, removed)
            if not container["env"]:
                del container["env"]

    _change_all(selection, change, "env updated", dry, printing)


def _chosen(spec: Object, pattern: str) -> list[Object]:
    found = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    return [each for each in found if fnmatchcase(each["name"], pattern)]


def update_env(current: Sequence[Object], pairs: dict[str, str], removed: Sequence[str]) -> list[Object]:
    """Old variables keep their place, new ones follow."""
    kept = [
        {"name": each["name"], "value": pairs[each["name"]]} if each["name"] in pairs else each
        for each in current
        if each["name"] not in removed
    ]
    known = {each["name"] for each in kept}
    return kept + [{"name": name, "value": value} for name, value in pairs.items() if name not in known]


async def _list_all(client: Client, namespace: str, selection: Selection, pattern: str) -> None:
    for one in await resolve(client, namespace, selection):
        obj = await client.get(one.target.resource, one.target.name, one.namespace)
        for container in _chosen(_pod_spec(obj), pattern):
            plural = one.target.resource.kind
            print(f"# {plural} {one.target.name}, container {container['name']}")
            for variable in container.get("env") or ():
                print(_listed(variable))


def _listed(variable: Object) -> str:
    if "valueFrom" not in variable:
        return f"{variable['name']}={variable.get('value', '')}"
    source = variable["valueFrom"]
    if key := source.get("configMapKeyRef"):
        return f"# {variable['name']} from configmap {key['name']}, key {key['key']}"
    if key := source.get("secretKeyRef"):
        return f"# {variable['name']} from secret {key['name']}, key {key['key']}"
    if field := source.get("fieldRef"):
        return f"# {variable['name']} from field path {field['fieldPath']}"
    return f"# {variable['name']} from resource {source['resourceFieldRef']['resource']}"


def resources(
    words: Updates,
    filename: Filenames = None,
    selector: Selector = "",
    everything: Everything = False,
    containers: Annotated[str, Flag("--containers", "-c")] = "*",
    limits: Annotated[str, Flag("--limits")] = "",
    requests: Annotated[str, Flag("--requests")] = "",
    dry: Dry = "none",
    printing: Printing = AS_IS,
) -> None:
    """Update resource requests/limits on objects with pod templates."""
    if not limits and not requests:
        raise CommandError(
            "you must specify an update to requests or limits (in the form of --requests/--limits)"
        )

    def change(spec: Object) -> None:
        for container in _chosen(spec, containers):
            amounts = container.setdefault("resources", {})
            for name, text in (("limits", limits), ("requests", requests)):
                if text:
                    amounts.setdefault(name, {}).update(part.split("=", 1) for part in text.split(","))

    selection = Selection(words, filename or (), selector, everything=everything)
    _change_all(selection, change, "resource requirements updated", dry, printing)


def split(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Names of objects, and what is to be set."""
    pairs = dict(word.split("=", 1) for word in words if "=" in word)
    return [word for word in words if "=" not in word], pairs


def _pod_spec(obj: Object) -> Object:
    for path in ("spec.template.spec", "spec.jobTemplate.spec.template.spec"):
        found = get_path(obj, path)
        if found is not None:
            return dict(found)
    if "containers" in (obj.get("spec") or {}):
        return dict(obj["spec"])
    raise CommandError(f"{name_of(obj)} has no pod template")


def _change_all(selection: Selection, change: Change, done: str, dry: str, printing: Printing) -> None:
    mode = dry_run.parse(dry)

    async def run(client: Client, namespace: str) -> None:
        for one in await resolve(client, namespace, selection):
            result, changed = await _change(client, one, change, mode)
            if printing:
                print(printers.render([result], printing), end="")
            elif changed:
                print(f"{one.label} {done}{mode.suffix}")

    session.run(run)


async def _change(client: Client, one: Selected, change: Change, mode: DryRun) -> tuple[Object, bool]:
    """The object as it is now, and whether anything was to be changed."""
    resource, name = one.target.resource, one.target.name
    found = await client.get(resource, name, one.namespace)
    before = {"apiVersion": resource.api_version, "kind": resource.kind, **found}
    after = deep_copy(before)
    change(_pod_spec(after))
    patch = create_two_way_patch(before, after, builtin().find(resource.api_version, resource.kind))
    if not patch or mode is DryRun.CLIENT:
        return after, bool(patch)
    strategic = "application/strategic-merge-patch+json"
    params = {"fieldManager": "kubectl-set", **mode.parameters}
    return await client.patch(resource, name, patch, one.namespace, patch_type=strategic, params=params), True


set_ = Group(
    "Configure application resources.",
    {"env": env, "image": image, "resources": resources},
)
