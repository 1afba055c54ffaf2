"""The program of the pause image, for machines that can reach no registry. Pure.

Assembled from `deploy/images/pause-<machine>.s`: it holds a pod's namespaces, reaps what dies in them, and
ends at once on SIGTERM or SIGINT. Being 0.2 KiB without a libc, it costs a pod a few pages of memory.
"""

from __future__ import annotations

import struct

_CODE = {
    "x86_64": """
        b80e00000031ff488d355500000031d241ba080000000f05b880000000488d3d
        3f00000031f631d241ba080000000f0583f811741383f80f740583f80275d9b8
        3c00000031ff0f05b83d0000004883cfff31f6ba010000004531d20f0585c07f
        e7ebb5ffffffffffffffff""",
    "aarch64": """
        e81080d2000080d281030010020080d2030180d2010000d4281180d2e0020010
        010080d2020080d2030180d2010000d41f4400f1000100541f3c00f160000054
        1f0800f1a1feff54a80b80d2000080d2010000d4882080d200008092010080d2
        220080d2030080d2010000d41f0000f12cffff54e9ffff17ffffffffffffffff""",
}
_ELF_MACHINE = {"x86_64": 62, "aarch64": 183}
_LOAD_ADDRESS = 0x400000
_HEADERS = struct.Struct("<16sHHIQQQIHHHHHH IIQQQQQQ")
_READABLE_AND_EXECUTABLE = 5


class UnknownMachineError(Exception):
    """There is no pause program for this kind of machine."""


def pause_program(machine: str) -> bytes:
    """An executable for `platform.machine()`: one ELF header, one loadable segment, the code."""
    if machine not in _CODE:
        raise UnknownMachineError(f"no pause program for {machine}: pull registry.k8s.io/pause instead")
    code = bytes.fromhex(_CODE[machine])
    elf_header_size, segment_header_size = 64, 56
    size = _HEADERS.size + len(code)
    headers = _HEADERS.pack(
        b"\x7fELF\x02\x01\x01",  # 64 bit, little endian, version 1
        2,  # an executable
        _ELF_MACHINE[machine],
        1,
        _LOAD_ADDRESS + _HEADERS.size,  # where it begins to run
        elf_header_size,  # where the segment headers are
        0,
        0,
        elf_header_size,
        segment_header_size,
        1,  # one segment
        0,
        0,
        0,
        1,  # to be loaded
        _READABLE_AND_EXECUTABLE,
        0,
        _LOAD_ADDRESS,
        _LOAD_ADDRESS,
        size,
        size,
        0x10000,  # aligned for pages of up to 64 KiB
    )
    return headers + code
