"""The pages of docs/reference, out of the code that means them: flags, files, controllers, metrics, ports.

`make docs` writes them; a unit test fails when one is not what this makes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import typer
from prometheus_client import REGISTRY
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

import apiserver.assembly
import apiserver.options
import client.metrics  # noqa: F401 (declares what every client counts)
import controller_manager.horizontal_pod_autoscaler.metrics
import controller_manager.options
import kube_dns.metrics
import kube_dns.options
import kube_proxy.config
import kube_proxy.metrics
import kube_proxy.options
import kubelet.configuration
import kubelet.configuration_defaults
import kubelet.metrics
import kubelet.options
import scheduler.config
import scheduler.metrics
import scheduler.options
from apiserver.admission import plugins as admission
from apiserver.admission.pod_security.metrics import PodSecurityMetrics
from apiserver.admission.step import AdmissionMetrics
from apiserver.aggregation.metrics import UnavailableServices
from apiserver.auth.attempts import Attempts
from apiserver.auth.authorization_config import AuthorizationConfiguration
from apiserver.auth.authorizers import Authorizers
from apiserver.auth.decision_metrics import AuthorizationMetrics
from apiserver.auth.metrics import CertificateMetrics, TokenCacheMetrics
from apiserver.flow_control.levels import Levels
from apiserver.flow_control.metrics import FlowMetrics
from apiserver.handshakes import HandshakeMetrics
from apiserver.metrics import RequestMetrics
from apiserver.registry.allocated_addresses import AllocatedAddresses
from apiserver.sent_events import SentMetrics
from apiserver.storage.memory import MemoryStorage
from apiserver.storage.metrics import CacheMetrics
from apiserver.storage.observed import ObservedStorage
from apiserver.storage.watch_cache import WatchCache
from component_base.flags import CommonOptions, Unused, describe
from component_base.metric_types import COUNTERS
from component_base.unused_flags import EVERY
from controller_manager.table import CONTROLLERS, Row
from kubeadm import cli
from kubeadm.components import components
from kubeadm.config import ClusterConfig
from kubeadm.systemd import service_of
from scheduler.plugins import registry

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "reference"
NOTE = "<!-- Written by `make docs`; change the code, not this page. -->\n"
DAEMONS: Mapping[str, type[CommonOptions]] = {
    "sampan-apiserver": apiserver.options.Options,
    "sampan-scheduler": scheduler.options.Options,
    "sampan-controller-manager": controller_manager.options.Options,
    "sampan-kubelet": kubelet.options.Options,
    "sampan-proxy": kube_proxy.options.Options,
    "sampan-dns": kube_dns.options.Options,
}
UNUSED: Mapping[str, Unused] = {
    "sampan-apiserver": apiserver.options.UNUSED,
    "sampan-scheduler": scheduler.options.UNUSED,
    "sampan-controller-manager": controller_manager.options.UNUSED,
    "sampan-kubelet": kubelet.options.UNUSED,
    "sampan-proxy": kube_proxy.options.UNUSED,
    "sampan-dns": EVERY,
}

METRICS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "apiserver": (
        (
            "aggregator_",
            "apiserver_",
            "authentication_",
            "authorization_",
            "etcd_",
            "kube_apiserver_",
            "pod_security_",
            "serviceaccount_",
        ),
        "`kubectl get --raw /metrics`",
    ),
    "scheduler": (("scheduler_",), "`kubectl get --raw /api/v1/nodes/https:NODE:10259/proxy/metrics`"),
    "controller-manager": (
        ("horizontal_pod_autoscaler_",),
        "`kubectl get --raw /api/v1/nodes/https:NODE:10257/proxy/metrics`",
    ),
    "kubelet": (
        ("kubelet_", "prober_", "storage_", "volume_"),
        "`kubectl get --raw /api/v1/nodes/NODE/proxy/metrics`",
    ),
    "kube-proxy": (("kubeproxy_",), "`curl http://127.0.0.1:10249/metrics` on the node"),
    "kube-dns": (("coredns_",), "`curl http://ADDRESS:9153/metrics`, the node's address"),
    "Every client of the API": (
        ("kubernetes_", "leader_", "rest_client_", "version_info", "workqueue_"),
        "In the metrics of each daemon, and those of the controller-manager: "
        "`kubectl get --raw /api/v1/nodes/https:NODE:10257/proxy/metrics`",
    ),
}
"""By daemon: what its metrics' names begin with, and how to read them."""


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())


def flags() -> str:
    return _page(
        "Flags of the daemons",
        "Names and defaults are upstream's wherever upstream has the flag. A list is comma-separated, a "
        "duration is written as in Go: `1m30s`. A flag that is not here is refused. Every daemon also has "
        "`--version` and:",
        _flag_table(CommonOptions),
        *(
            _section(name, _flag_table(options, CommonOptions), _unused(UNUSED[name]))
            for name, options in DAEMONS.items()
        ),
    )


def _unused(flags: Unused) -> str:
    names = _list(f"--{name}" for name in sorted(flags))
    return f"Read, told of in the log, and without effect: {names}."


def _flag_table(options: type[CommonOptions], without: type[CommonOptions] | None = None) -> str:
    known = {each.name for each in describe(without)} if without else set()
    rows = [(f"`{each.name}`", _code(each.default), each.help) for each in describe(options)]
    return _table(("flag", "default", "meaning"), (row for row in rows if row[0].strip("`") not in known))


def commands() -> str:
    group: Any = typer.main.get_command(cli.app)
    return _page(
        "Commands of a cluster's life",
        "`sampan` has kubectl's verbs, for which see `sampan --help`, and these.",
        *(_command(f"sampan {' '.join(path)}", command) for path, command in _leaves(group)),
    )


def _leaves(group: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _leaves(command, (*above, name))
        else:
            yield (*above, name), command


def _command(title: str, command: Any) -> str:
    rows = [
        (f"`{', '.join((*each.opts, *each.secondary_opts))}`", each.help)
        if each.param_type_name == "option"
        else (f"{each.name.upper()}", each.help)
        for each in command.params
    ]
    return _section(title, command.help, _table(("option or argument", "meaning"), rows))


def configuration() -> str:
    kubelet_fields = _leaf_values(kubelet.configuration_defaults.DEFAULTS)
    accepted = ", ".join(f"`{name}`" for name, _ in _leaf_values(kubelet.configuration_defaults.ACCEPTED))
    return _page(
        "Configuration files",
        "Each daemon that upstream configures with a file takes that file with `--config`.",
        _section(
            "KubeletConfiguration",
            f"`{kubelet.configuration.API_VERSION}`. A flag that is given wins over the file. Accepted, "
            f"and without effect: {accepted}. Others are ignored with a warning.",
            _table(("field", "default"), ((f"`{name}`", _code(value)) for name, value in kubelet_fields)),
        ),
        _top_level("KubeSchedulerConfiguration", scheduler.config, "refused"),
        _top_level("KubeProxyConfiguration", kube_proxy.config, "ignored with a warning"),
    )


def _leaf_values(defaults: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in defaults.items():
        if isinstance(value, dict) and value and not any("." in key for key in value):
            yield from _leaf_values(value, f"{above}{name}.")
        elif isinstance(value, dict):
            yield f"{above}{name}", ", ".join(f"{key}: {each}" for key, each in value.items())
        else:
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            yield f"{above}{name}", "" if value in ("", [], None) else shown


def _top_level(kind: str, module: Any, others: str) -> str:
    """What a file of this kind may say, and what becomes of anything else in it."""
    return _section(
        kind,
        f"`{module.API_VERSION}`. Fields at the top: {_list(module.FIELDS)}. Accepted, and without effect: "
        f"{_list(module.WITHOUT_EFFECT)}. Any other is {others}.",
    )


def parts() -> str:
    return _page(
        "Controllers and plugins",
        "What there is, and where it is written.",
        _section(
            "Controllers",
            "`--controllers` of the controller-manager turns each on or off. Workers are objects that are "
            "reconciled at once.",
            _table(("controller", "workers", "what it does", "source"), map(_controller, CONTROLLERS)),
        ),
        _section(
            "Scheduler plugins",
            "A weight is there where the plugin scores nodes.",
            _table(("plugin", "weight", "what it does", "source"), map(_plugin, _plugins_of(registry))),
        ),
        _section(
            "Admission plugins",
            "Chosen by `--enable-admission-plugins` and `--disable-admission-plugins` of the apiserver.",
            _table(
                ("plugin", "by default", "what it does", "source"), map(_admission, _plugins_of(admission))
            ),
        ),
    )


def _controller(row: Row) -> tuple[str, ...]:
    workers = f"`--{row.workers.replace('_', '-')}`" if isinstance(row.workers, str) else str(row.workers)
    return f"`{row.name}`", workers, *_told(row.make)


def _plugins_of(table: ModuleType) -> list[type[Any]]:
    """The plugins that a table of them imports, one a file."""
    package = table.__name__.rpartition(".")[0]
    classes = (each for each in vars(table).values() if inspect.isclass(each) and hasattr(each, "name"))
    return [each for each in classes if each.__module__.startswith(f"{package}.")]


def _plugin(plugin: type[Any]) -> tuple[str, ...]:
    return f"`{plugin.name}`", str(registry.WEIGHTS.get(plugin.name, "")), *_told(plugin)


def _admission(plugin: type[Any]) -> tuple[str, ...]:
    is_on = plugin.name in apiserver.options.DEFAULT_PLUGINS or plugin.name in admission.ALWAYS
    return f"`{plugin.name}`", "on" if is_on else "off", *_told(plugin)


def _told(made: Any) -> tuple[str, str]:
    """What a class's module says of itself, and the way there."""
    module = inspect.getmodule(made)
    assert module is not None
    assert module.__file__ is not None
    path = Path(module.__file__).relative_to(ROOT)
    text = (module.__doc__ or "").partition("\n\n")[0]
    return " ".join(text.split()).removeprefix(f"{made.__name__}: "), f"[{path.name}](../../{path})"


def metrics() -> str:
    collected = [family for each in _collectors() for family in each.collect()]
    families = {_sample_name(each): each for each in (*collected, *REGISTRY.collect())}
    sections = []
    for title, (prefixes, text) in METRICS.items():
        chosen = [families[name] for name in sorted(families) if name.startswith(prefixes)]
        rows = [(f"`{_sample_name(each)}`", _type(each), each.documentation) for each in chosen]
        sections.append(_section(title, text, _table(("metric", "type", "meaning"), rows)))
    return _page(
        "Metrics",
        "Names and labels are upstream's, CoreDNS's for DNS, so that dashboards and alerts for these work. "
        "NODE is any node that the daemon runs on.",
        *sections,
    )


def _collectors() -> tuple[Collector, ...]:
    """What an apiserver registers when it is put together."""
    storage = MemoryStorage()
    cache = WatchCache(storage)
    flows, requests = FlowMetrics(Levels(1, lambda: 0.0)), RequestMetrics()
    services, certificates = UnavailableServices(cache, {}), CertificateMetrics()
    stored = CacheMetrics(cache), ObservedStorage(storage), AllocatedAddresses(cache, "10.96.0.0/12")
    decisions = AuthorizationMetrics(Authorizers(AuthorizationConfiguration(()), {}))
    return (
        requests,
        flows,
        services,
        certificates,
        decisions,
        AdmissionMetrics(),
        Attempts(),
        TokenCacheMetrics(),
        HandshakeMetrics(),
        PodSecurityMetrics(),
        SentMetrics(),
        scheduler.metrics.Rejections(dict),
        *stored,
    )


def _type(family: Metric) -> str:
    return "counter" if family.name in COUNTERS else family.type


def _sample_name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def ports() -> str:
    """What `sampan up` starts. Addresses in it are those of the machine."""
    units = components(ClusterConfig(node_name="node", node_ip="the node's address"), "etcd")
    rows = [
        (f"`{unit.name}`", ", ".join(f"{port} on {_address(address)}" for address, port in unit.listens),
         f"`{service_of(unit.name)}`", f"`/var/lib/sampan/log/{unit.name}.log`")
        for unit in units
    ]  # fmt: skip
    return _page(
        "Processes and ports",
        "What `sampan up` starts on a machine. Where systemd runs, each is a unit and logs to the journal; "
        "elsewhere a supervisor starts it and it logs to a file. A further node of the same machine "
        "(`--nodes=2`) has the kubelet's ports a hundred higher.",
        _table(("process", "listens at", "unit", "log without systemd"), rows),
    )


def _address(address: str) -> str:
    return {"0.0.0.0": "every address", "127.0.0.1": "the loopback"}.get(address, address)


def _page(title: str, *paragraphs: str) -> str:
    return "\n".join((f"# {title}\n", NOTE, *(f"{each}\n" for each in paragraphs))).rstrip() + "\n"


def _section(title: str, *paragraphs: str) -> str:
    return "\n\n".join((f"## {title}", *filter(None, paragraphs)))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in (head, *rows)]
    rule = "|".join("---" for _ in head)
    return "\n".join((f"| {lines[0]} |", f"|{rule}|", *(f"| {line} |" for line in lines[1:])))


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _list(words: Iterable[str]) -> str:
    return ", ".join(f"`{each}`" for each in words)


PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": commands,
    "configuration.md": configuration,
    "flags.md": flags,
    "metrics.md": metrics,
    "parts.md": parts,
    "ports.md": ports,
}

if __name__ == "__main__":
    main()
