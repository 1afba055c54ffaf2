"""The same command lines with kubectl and with ours, each in a namespace of its own, to be compared."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

from apimachinery.scheme import CONFIG_MAPS, SERVICE_ACCOUNTS
from tests.e2e.conftest import LIMIT, SAMPAN
from tests.e2e.kubectls import kubectl_path
from tests.integration.plane import Plane, eventually, plane_in

VERSION = "1.33"


class Script(NamedTuple):
    """Command lines without their first word, and the files beside them.

    `{ns}` stands for the namespace in both, so that what belongs to the whole cluster can be told apart.
    """

    name: str
    commands: Sequence[str]
    files: Mapping[str, str] = {}
    environment: Mapping[str, str] = {}


def run_both(plane: Plane, script: Script, folder: Path) -> tuple[str, str]:
    """Transcripts of ours and kubectl's, made alike: program, namespace, uids, times and versions."""
    return (
        _run(plane, script, folder / "ours", SAMPAN, f"ours-{script.name}"),
        _run(plane, script, folder / "real", kubectl_path(VERSION), f"real-{script.name}"),
    )


def _run(plane: Plane, script: Script, folder: Path, program: Path, namespace: str) -> str:
    for name, text in script.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{ns}", namespace))
    folder.mkdir(exist_ok=True)
    environment = {
        **os.environ, "HOME": str(folder), "KUBECONFIG": str(plane.config.admin_kubeconfig),
        **script.environment,
    }  # fmt: skip
    transcript = ""
    for command in (f"create namespace {namespace}", *script.commands):
        words = [str(program), f"--namespace={namespace}", *shlex.split(command.replace("{ns}", namespace))]
        done = subprocess.run(
            words,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            stdin=subprocess.DEVNULL,
        )
        printed = _in_order(done.stdout) if "--applyset" in command else done.stdout
        transcript += f"$ {command}\n{printed}[{done.returncode}]\n{done.stderr}\n"
        if command.startswith("create namespace"):
            asyncio.run(_furnished(plane, namespace))
    return _alike(transcript, program, namespace, folder)


async def _furnished(plane: Plane, namespace: str) -> None:
    """Until controllers have put into a new namespace what is in every one."""
    client = plane.client()
    for resource, name in ((SERVICE_ACCOUNTS, "default"), (CONFIG_MAPS, "kube-root-ca.crt")):
        await eventually(lambda resource=resource, name=name: client.get(resource, name, namespace))  # type: ignore[misc]
    await client.aclose()


def _in_order(printed: str) -> str:
    """kubectl prunes a set kind by kind, and all kinds at once."""
    lines = printed.splitlines(keepends=True)
    return "".join(sorted(lines, key=lambda line: (" pruned" in line, line if " pruned" in line else "")))


_CHANGING = (
    (r"\S*/(LIVE|MERGED)-\d+/(\S+)(\t.*)?", r"\1/\2"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r'("?resourceVersion"?: ?)"\d+"', r'\1"N"'),
    (r"applyset-[\w-]{43}-v1", "applyset-ID-v1"),  # of the parent's namespace, too
    (r"kubectl/v1\.\d+\.\d+", "kubectl/VERSION"),
    (r"-edit-\w+", "-edit"),
    (r"kube-api-access-\w{5}", "kube-api-access"),
    (r"\b[IWEF]\d{4} [\d:.]+ +\d+ ", "KLOG "),
)


def _alike(text: str, program: Path, namespace: str, folder: Path) -> str:
    text = (
        text.replace(namespace, "NAMESPACE").replace(str(folder), "FOLDER").replace(program.name, "PROGRAM")
    )
    text = re.sub(r"(?<=')kubectl\b|\bsampan(?= )", "PROGRAM", text)
    for pattern, word in _CHANGING:
        text = re.sub(pattern, word, text)
    return text


@contextmanager
def plane_for_scripts(folder: Path) -> Iterator[Plane]:
    """Its nodes are hollow: what is made for the scripts need not run."""
    with plane_in(folder) as plane:
        asyncio.run(plane.run_all())
        yield plane


def difference(plane: Plane, script: Script, folder: Path) -> str:
    """Of what sampan and kubectl make of the script."""
    ours, theirs = (each.splitlines() for each in run_both(plane, script, folder))
    return "\n".join(unified_diff(theirs, ours, "kubectl", "sampan", lineterm=""))
