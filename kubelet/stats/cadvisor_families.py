"""The families of cAdvisor's metrics: each one's name, kind and help, and the value that it tells.

Source: metrics/prometheus.go of cAdvisor 0.52, of which the kubelet of Kubernetes 1.34 includes processors,
their load, memory, disks and their use, networks, processes, OOM kills and pressure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from kubelet.cgroups.scraped import Scraped, Spec
from kubelet.runtime.usage import ContainerUsage, DeviceUse, InterfaceUsage
from kubelet.stats.filesystems import MountedFilesystem

NANO, MILLI = 1e9, 1e3
Seen = TypeVar("Seen")


class Metric(NamedTuple, Generic[Seen]):
    name: str
    kind: str
    help: str
    value: Callable[[Seen], float]


USAGE: tuple[Metric[ContainerUsage], ...] = (
    Metric(
        "container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed in seconds.",
        lambda used: used.cpu_nanoseconds / NANO,
    ),
    Metric(
        "container_cpu_user_seconds_total", "counter", "Cumulative user cpu time consumed in seconds.",
        lambda used: used.detail.cpu_user / NANO,
    ),
    Metric(
        "container_cpu_system_seconds_total", "counter", "Cumulative system cpu time consumed in seconds.",
        lambda used: used.detail.cpu_system / NANO,
    ),
    Metric(
        "container_cpu_cfs_periods_total", "counter", "Number of elapsed enforcement period intervals.",
        lambda used: used.detail.periods,
    ),
    Metric(
        "container_cpu_cfs_throttled_periods_total", "counter", "Number of throttled period intervals.",
        lambda used: used.detail.throttled_periods,
    ),
    Metric(
        "container_cpu_cfs_throttled_seconds_total", "counter",
        "Total time duration the container has been throttled.",
        lambda used: used.detail.throttled / NANO,
    ),
    Metric(
        "container_memory_usage_bytes", "gauge",
        "Current memory usage in bytes, including all memory regardless of when it was accessed",
        lambda used: used.memory_usage,
    ),
    Metric(
        "container_memory_working_set_bytes", "gauge", "Current working set in bytes.",
        lambda used: used.memory_working_set,
    ),
    Metric("container_memory_rss", "gauge", "Size of RSS in bytes.", lambda used: used.memory_rss),
    Metric(
        "container_memory_cache", "gauge", "Number of bytes of page cache memory.",
        lambda used: used.detail.cache,
    ),
    Metric(
        "container_memory_mapped_file", "gauge", "Size of memory mapped files in bytes.",
        lambda used: used.detail.mapped_files,
    ),
    Metric(
        "container_memory_swap", "gauge", "Container swap usage in bytes.", lambda used: used.detail.swap
    ),
    Metric(
        "container_memory_max_usage_bytes", "gauge", "Maximum memory usage recorded in bytes",
        lambda used: used.detail.most_memory,
    ),
    Metric(
        "container_memory_failcnt", "counter", "Number of memory usage hits limits",
        lambda used: used.detail.limit_hits,
    ),
    Metric(
        "container_oom_events_total", "counter",
        "Count of out of memory events observed for the container",
        lambda used: used.detail.oom_kills,
    ),
    Metric(
        "container_threads", "gauge", "Number of threads running inside the container",
        lambda used: used.processes,
    ),
)  # fmt: skip
OF_THE_MACHINE = frozenset(each.name for each in USAGE if each.name.startswith("container_cpu_usage")) | {
    "container_memory_usage_bytes",
    "container_memory_working_set_bytes",
    "container_memory_rss",
}
"""What is known of the machine as a whole, which is the cgroup `/`."""

SCRAPED: tuple[Metric[Scraped], ...] = (
    Metric(
        "container_processes", "gauge", "Number of processes running inside the container.",
        lambda seen: seen.processes.number,
    ),
    Metric(
        "container_file_descriptors", "gauge", "Number of open file descriptors for the container.",
        lambda seen: seen.processes.descriptors,
    ),
    Metric(
        "container_sockets", "gauge", "Number of open sockets for the container.",
        lambda seen: seen.processes.sockets,
    ),
    Metric(
        "container_threads_max", "gauge",
        "Maximum number of threads allowed inside the container, infinity if value is zero",
        lambda seen: seen.most_threads,
    ),
    Metric(
        "container_memory_kernel_usage", "gauge", "Size of kernel memory allocated in bytes.",
        lambda seen: seen.kernel_memory,
    ),
    Metric(
        "container_memory_total_active_file_bytes", "gauge", "Current total active file in bytes.",
        lambda seen: seen.active_file,
    ),
    Metric(
        "container_memory_total_inactive_file_bytes", "gauge", "Current total inactive file in bytes.",
        lambda seen: seen.inactive_file,
    ),
    Metric(
        "container_cpu_load_average_10s", "gauge",
        "Value of container cpu load average over the last 10 seconds.",
        lambda _: 0,
    ),
    Metric(
        "container_cpu_load_d_average_10s", "gauge",
        "Value of container cpu load.d average over the last 10 seconds.",
        lambda _: 0,
    ),
)  # fmt: skip
"""Nobody asks the kernel for load, neither here nor in upstream's kubelet: both tell 0."""
TASK_STATES = ("sleeping", "running", "stopped", "uninterruptible", "iowaiting")
"""As load."""
SPEC: tuple[Metric[Spec], ...] = (
    Metric(
        "container_spec_cpu_period", "gauge", "CPU period of the container.", lambda spec: spec.cpu_period
    ),
    Metric("container_spec_cpu_shares", "gauge", "CPU share of the container.", lambda spec: spec.cpu_shares),
    Metric(
        "container_spec_memory_limit_bytes", "gauge", "Memory limit for the container.",
        lambda spec: spec.memory_limit,
    ),
    Metric(
        "container_spec_memory_swap_limit_bytes", "gauge", "Memory swap limit for the container.",
        lambda spec: spec.swap_limit,
    ),
    Metric(
        "container_spec_memory_reservation_limit_bytes", "gauge",
        "Memory reservation limit for the container.",
        lambda spec: spec.memory_reservation,
    ),
)  # fmt: skip
FILESYSTEMS: tuple[Metric[MountedFilesystem], ...] = (
    Metric(
        "container_fs_inodes_free", "gauge", "Number of available Inodes", lambda fs: fs.space.inodes_free
    ),
    Metric("container_fs_inodes_total", "gauge", "Number of Inodes", lambda fs: fs.space.inodes),
    Metric(
        "container_fs_limit_bytes", "gauge",
        "Number of bytes that can be consumed by the container on this filesystem.",
        lambda fs: fs.space.capacity,
    ),
    Metric(
        "container_fs_usage_bytes", "gauge",
        "Number of bytes that are consumed by the container on this filesystem.",
        lambda fs: fs.space.used.bytes,
    ),
    Metric(
        "container_fs_reads_total", "counter", "Cumulative count of reads completed", lambda fs: fs.io.reads
    ),
    Metric(
        "container_fs_sector_reads_total", "counter", "Cumulative count of sector reads completed",
        lambda fs: fs.io.sectors_read,
    ),
    Metric(
        "container_fs_reads_merged_total", "counter", "Cumulative count of reads merged",
        lambda fs: fs.io.reads_merged,
    ),
    Metric(
        "container_fs_read_seconds_total", "counter", "Cumulative count of seconds spent reading",
        lambda fs: fs.io.reading / MILLI,
    ),
    Metric(
        "container_fs_writes_total", "counter", "Cumulative count of writes completed",
        lambda fs: fs.io.writes,
    ),
    Metric(
        "container_fs_sector_writes_total", "counter", "Cumulative count of sector writes completed",
        lambda fs: fs.io.sectors_written,
    ),
    Metric(
        "container_fs_writes_merged_total", "counter", "Cumulative count of writes merged",
        lambda fs: fs.io.writes_merged,
    ),
    Metric(
        "container_fs_write_seconds_total", "counter", "Cumulative count of seconds spent writing",
        lambda fs: fs.io.writing / MILLI,
    ),
    Metric(
        "container_fs_io_current", "gauge", "Number of I/Os currently in progress",
        lambda fs: fs.io.in_progress,
    ),
    Metric(
        "container_fs_io_time_seconds_total", "counter", "Cumulative count of seconds spent doing I/Os",
        lambda fs: fs.io.busy / MILLI,
    ),
    Metric(
        "container_fs_io_time_weighted_seconds_total", "counter", "Cumulative weighted I/O time in seconds",
        lambda fs: fs.io.weighted / MILLI,
    ),
)  # fmt: skip
"""Of the machine as a whole, by device. Upstream takes a device's milliseconds for nanoseconds here."""

DEVICES: tuple[tuple[str, str, Callable[[DeviceUse], int]], ...] = (
    ("container_fs_reads_bytes_total", "Cumulative count of bytes read", lambda used: used.read_bytes),
    ("container_fs_reads_total", "Cumulative count of reads completed", lambda used: used.reads),
    ("container_fs_writes_bytes_total", "Cumulative count of bytes written", lambda used: used.written_bytes),
    ("container_fs_writes_total", "Cumulative count of writes completed", lambda used: used.writes),
)
NETWORK: tuple[tuple[str, str, Callable[[InterfaceUsage], int]], ...] = (
    ("receive_bytes", "bytes received", lambda used: used.rx_bytes),
    ("receive_packets", "packets received", lambda used: used.rx_packets),
    ("receive_packets_dropped", "packets dropped while receiving", lambda used: used.rx_dropped),
    ("receive_errors", "errors encountered while receiving", lambda used: used.rx_errors),
    ("transmit_bytes", "bytes transmitted", lambda used: used.tx_bytes),
    ("transmit_packets", "packets transmitted", lambda used: used.tx_packets),
    ("transmit_packets_dropped", "packets dropped while transmitting", lambda used: used.tx_dropped),
    ("transmit_errors", "errors encountered while transmitting", lambda used: used.tx_errors),
)
