"""`set env`: variables of containers, given, taken from a ConfigMap or Secret, removed, or listed."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

from apimachinery import names, scheme
from apimachinery.objects import Object, get_path, name_of
from kubectl import session
from kubectl.arguments import Flag, Words
from kubectl.failures import CommandError
from kubectl.selection import Selected, fetch_all
from kubectl.settings.changing import OBJECT, Settings, change_all, chosen, pod_spec

if TYPE_CHECKING:
    from client.rest import Client


class EnvFlags(NamedTuple):
    """What to do, apart from the words."""

    env: Annotated[list[str] | None, Flag("--env", "-e", help="KEY=VALUE to set in each container.")] = None
    source: Annotated[str, Flag("--from", help="Take the variables from configmap/NAME or secret/NAME.")] = ""
    keys: Annotated[list[str] | None, Flag("--keys", commas=True, help="Only these keys of it.")] = None
    prefix: Annotated[str, Flag("--prefix", help="What the names of these variables begin with.")] = ""
    containers: Annotated[str, Flag("--containers", "-c", help="Of which containers; a pattern.")] = "*"
    overwrite: Annotated[bool, Flag("--overwrite", help="Also change what has a value.")] = True
    show: Annotated[bool, Flag("--list", help="Print the variables.")] = False
    resolve: Annotated[bool, Flag("--resolve", help="Print what references lead to.")] = False


class Updates(NamedTuple):
    """Variables to set, in order, and names of those to remove."""

    set: list[Object]
    remove: list[str]

    def apply(self, current: Sequence[Object], *, overwrite: bool = True) -> list[Object]:
        """Old variables keep their place, new ones follow. Raises CommandError."""
        wanted = {each["name"]: each for each in self.set}
        for each in current:
            if not overwrite and each["name"] in wanted:
                value = each.get("value", "")
                raise CommandError(
                    f"{OBJECT} '{each['name']}' already has a value ({value}), and --overwrite is false"
                )
        kept = [wanted.get(each["name"], each) for each in current if each["name"] not in self.remove]
        known = {each["name"] for each in kept}
        return kept + [each for each in wanted.values() if each["name"] not in known]


def split(words: Sequence[str]) -> tuple[list[str], Updates]:
    """Separates the objects' names from `KEY=VALUE` and `KEY-`. Raises CommandError."""
    objects: list[str] = []
    updates = Updates([], [])
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            if problems := names.is_env_var_name(name):
                raise CommandError(f'"{name}" is not a valid key name: {"; ".join(problems)}')
            updates.set.append({"name": name, "value": value})
        elif word.endswith("-"):
            updates.remove.append(word[:-1])
        else:
            objects.append(word)
    return objects, updates


def env(
    words: Annotated[list[str], Words("(TYPE NAME | TYPE/NAME) KEY_1=VAL_1 ... KEY_N-")],
    settings: Settings,
    flags: EnvFlags,
) -> None:
    """Update environment variables on a pod template."""
    objects, updates = split([*words, *(flags.env or ())])
    if flags.source:
        source = session.run(lambda client, namespace: _source(client, namespace, flags.source))
        updates.set.extend(references(source, flags.keys or (), flags.prefix))
    if flags.show:
        session.run(lambda client, namespace: _list_all(client, namespace, objects, settings, flags))
        return

    def change(obj: Object) -> None:
        matching = chosen(pod_spec(obj), flags.containers)
        if not matching:
            what = f'{obj["kind"]}/{name_of(obj)} does not have any containers matching "{flags.containers}"'
            print(f"Warning: {what}", file=sys.stderr)
        for container in matching:
            variables = updates.apply(container.get("env") or (), overwrite=flags.overwrite)
            container.pop("env", None)
            if variables:
                container["env"] = variables

    change_all(objects, settings, change, "env", "failed to patch env update to pod template: ")


async def _source(client: Client, namespace: str, word: str) -> Object:
    from kubectl.resources import Mapper

    (target,) = await Mapper(client).targets([word])
    if target.resource.kind not in ("ConfigMap", "Secret"):
        raise CommandError(f"unsupported resource specified in --from: {target.resource.kind}")
    found = await client.get(target.resource, target.name, namespace)
    return {"kind": target.resource.kind, **found}


def references(source: Object, keys: Sequence[str], prefix: str) -> list[Object]:
    """A variable for each key of a ConfigMap or Secret; says which keys can't be names as they are."""
    kind = "configMapKeyRef" if source["kind"] == "ConfigMap" else "secretKeyRef"
    found: list[Object] = []
    for key in sorted(source.get("data") or {}):
        if keys and key not in keys:
            continue
        name = re.sub(r"[^A-Z0-9_]", "_", key.upper())
        if name != key:
            print(f"Warning: key {key} transferred to {name}", file=sys.stderr)
        found.append({"name": prefix + name, "valueFrom": {kind: {"name": name_of(source), "key": key}}})
    return found


async def _list_all(
    client: Client, namespace: str, words: Sequence[str], settings: Settings, flags: EnvFlags
) -> None:
    for one, obj in await fetch_all(client, namespace, settings.selection(words), local=settings.local):
        for container in chosen(pod_spec(obj), flags.containers):
            print(f"# {obj['kind']} {name_of(obj)}, container {container['name']}")
            for variable in container.get("env") or ():
                value = await _resolved(client, one, variable) if flags.resolve else None
                print(listed(variable) if value is None else f"{variable['name']}={value}")


def listed(variable: Object) -> str:
    """As `--list` prints it; what has no value of its own is a comment."""
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


async def _resolved(client: Client, one: Selected, variable: Object) -> str | None:
    """What a reference to a ConfigMap or Secret leads to; None for anything else."""
    source: Mapping[str, Object] = variable.get("valueFrom") or {}
    if key := source.get("configMapKeyRef"):
        found = await client.get(scheme.CONFIG_MAPS, key["name"], one.namespace)
        return str(get_path(found, "data", default={})[key["key"]])
    if key := source.get("secretKeyRef"):
        found = await client.get(scheme.SECRETS, key["name"], one.namespace)
        return base64.b64decode(found["data"][key["key"]]).decode()
    return None
