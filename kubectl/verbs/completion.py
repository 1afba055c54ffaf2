"""`completion`: code for a shell that asks `sampan __complete` what may come next; and that answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from kubectl import session
from kubectl.arguments import UsageError, Words
from kubectl.completing import Kind, Wanted, given_globals, wanted
from kubectl.failures import CommandError

if TYPE_CHECKING:
    from client.rest import Client

_SECONDS = "3"
_METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"

BASH = r"""
_sampan_complete() {
    local line words last
    read -ra words <<< "${COMP_LINE:0:COMP_POINT}"
    [[ ${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && words+=("")
    last="${words[-1]}"
    COMPREPLY=()
    while IFS=$'\t' read -r line _; do
        [[ $line == "$last"* ]] || continue
        # What stands before the last = or : is not bash's to replace.
        [[ $last == *[=:]* ]] && line="${line#"${last%"${last##*[=:]}"}"}"
        COMPREPLY+=("$line")
    done < <(sampan __complete "${words[@]:1}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace
    return 0
}
complete -o default -F _sampan_complete sampan
"""
ZSH = r"""#compdef sampan
_sampan() {
    local -a found
    found=("${(@f)$(sampan __complete "${(@)words[2,CURRENT]}" 2>/dev/null | cut -f1)}")
    found=(${found:#})
    if (( ${#found} )); then
        compadd -S '' -- ${(M)found:#*/}
        compadd -- ${found:#*/}
    else
        _files
    fi
}
compdef _sampan sampan
"""
FISH = r"""function __sampan_complete
    set -l words (commandline -opc) (commandline -ct)
    sampan __complete $words[2..-1] 2>/dev/null
end
complete -c sampan -a '(__sampan_complete)'
"""
SHELLS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def completion(shells: Annotated[list[str], Words("SHELL")]) -> None:
    """Output shell completion code for the specified shell (bash, zsh or fish)."""
    if len(shells) != 1:
        what = "Too many arguments. Expected only the shell type." if shells else "Shell not specified."
        raise UsageError(what, "completion", "examples")
    if shells[0] not in SHELLS:
        raise UsageError(f'Unsupported shell type "{shells[0]}".', "completion", "examples")
    print(SHELLS[shells[0]].lstrip("\n"), end="")


def answer(words: Sequence[str]) -> None:
    """Prints a line for each candidate that begins as the last word does; few where the server is away."""
    from apimachinery.errors import StatusError
    from client.errors import ConnectionFailed
    from component_base.kubeconfig import ConfigError
    from kubectl.commands import understand
    from kubectl.tree import CLUSTER_VERBS, ROOT

    goal = wanted(ROOT, words)
    try:
        chosen = understand(ROOT, ["get", *given_globals(words)]).globals
        session.configure(chosen._replace(request_timeout=_SECONDS))
        found = _looked_up(goal)
    except (UsageError, CommandError, StatusError, ConfigError, ConnectionFailed):
        found = []
    known = [*goal.known, *((each, "") for each in CLUSTER_VERBS if len(words) == 1)]
    last = words[-1] if words else ""
    for name, note in sorted({*known, *((each, "") for each in found)}):
        if f"{goal.prefix}{name}".startswith(last):
            print(f"{goal.prefix}{name}\t{note}" if note else f"{goal.prefix}{name}")


def _looked_up(goal: Wanted) -> list[str]:
    if goal.kind is Kind.NOTHING:
        return []
    if goal.kind in (Kind.CONTEXTS, Kind.CLUSTERS, Kind.USERS):
        from kubectl.kubeconfigs import files
        from kubectl.kubeconfigs.entries import named

        return list(named(files.merged(), goal.kind))
    return session.run(lambda client, namespace: _ask(client, namespace, goal))


async def _ask(client: Client, namespace: str, goal: Wanted) -> list[str]:
    from apimachinery import scheme
    from kubectl.resources import Mapper

    if goal.kind is Kind.TYPES:
        from client.discovery import discover

        return [each.group_resource for each in await discover(client) if "list" in each.verbs]
    if goal.kind is Kind.CONTAINERS:
        pod = await client.get(scheme.PODS, goal.pod.removeprefix("pod/"), namespace)
        return [each["name"] for each in pod["spec"]["containers"]]
    resource = scheme.NAMESPACES if goal.kind is Kind.NAMESPACES else await Mapper(client).find(goal.type)
    listed = await client.list(resource, namespace, headers={"accept": _METADATA})
    return [each["metadata"]["name"] for each in listed["items"]]
