"""Warnings about the volumes of pods: kinds that are gone or going, and files in each other's way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from apimachinery.field import format_value
from apimachinery.objects import Object, get_path
from apiserver.registry.strategies.warnings.claims import OLD_VOLUMES, claim_spec_warnings

_OLD_IN_PODS = {
    **OLD_VOLUMES,
    "gitRepo": ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    "flocker": ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    "quobyte": ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
}
_MOST_OVERLAPS = 100
"""Told of one volume: there may be as many as pairs of files."""
_CERTIFICATE_PATHS = {
    "certificateChainPath": "PodCertificate chain",
    "keyPath": "PodCertificate key",
    "credentialBundlePath": "PodCertificate credential bundle",
}


class _File(NamedTuple):
    """A file in a volume, and what it comes from where a volume has several sources."""

    path: str
    source: str = ""

    def __str__(self) -> str:
        return format_value(self.path) + (f" ({self.source})" if self.source else "")


def pod_volume_warnings(path: str, volumes: Sequence[Object]) -> Iterator[str]:
    for index, volume in enumerate(volumes):
        at = f"{path}[{index}]"
        for field in _OLD_IN_PODS.keys() & volume.keys():
            name, text = _OLD_IN_PODS[field]
            if volume[field] is not None:
                yield f"{at}.{name}: {text}"
        claim = get_path(volume, "ephemeral.volumeClaimTemplate.spec")
        if claim:
            yield from claim_spec_warnings(f"{at}.ephemeral.volumeClaimTemplate.spec", claim)
    for volume in volumes:
        yield from _overlap_warnings(volume)


def _overlap_warnings(volume: Object) -> Iterator[str]:
    """Of files that would be in the same place, or one below the other."""
    name = f"volume {format_value(volume.get('name') or '')}"
    for sort, text, files in _single_sources(volume):
        for overlap in _overlaps([_File(item.get("path") or "") for item in files]):
            yield f"{name} ({sort}{text}): overlapping paths: {overlap}"
    sources = get_path(volume, "projected.sources") or ()
    yield from (f"{name} (Projected) has no sources provided" for source in sources if not source)
    for overlap in _overlaps([file for source in sources for file in _projected(source)]):
        yield f"{name} (Projected): overlapping paths: {overlap}"


def _single_sources(volume: Object) -> Iterator[tuple[str, str, Sequence[Object]]]:
    for field, sort, named in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
        source = volume.get(field)
        if source:
            yield sort, f" {format_value(source.get(named) or '')}", source.get("items") or ()
    yield "DownwardAPI", "", get_path(volume, "downwardAPI.items") or ()


def _projected(source: Object) -> list[_File]:
    """What one source of a projected volume puts into it, as far as it says."""
    for field, sort in (("configMap", "ConfigMap"), ("secret", "Secret")):
        if (source.get(field) or {}).get("items"):
            text = f"{sort} {format_value(source[field].get('name') or '')}"
            return [_File(item.get("path") or "", text) for item in source[field]["items"]]
    if items := get_path(source, "downwardAPI.items"):
        return [_File(item.get("path") or "", "DownwardAPI") for item in items]
    if token := source.get("serviceAccountToken"):
        return [_File(token.get("path") or "", "ServiceAccountToken")]
    if bundle := source.get("clusterTrustBundle"):
        name = bundle.get("name") or bundle.get("signerName") or ""
        return [_File(bundle.get("path") or "", f"ClusterTrustBundle {format_value(name)}")]
    certificate = source.get("podCertificate") or {}
    return [_File(certificate[f], text) for f, text in _CERTIFICATE_PATHS.items() if certificate.get(f)]


def _overlaps(files: Sequence[_File]) -> Iterator[str]:
    """Each file with each that came before it and is in its way."""
    files = [each._replace(path=each.path.rstrip("/")) for each in files]
    pairs = islice(_pairs_in_the_way([each.path for each in files]), _MOST_OVERLAPS)
    yield from (f"{files[later]} with {files[earlier]}" for later, earlier in sorted(pairs))


def _pairs_in_the_way(paths: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Two indexes, the later one first, where paths are the same or one is a folder of the other.

    In this order a folder comes just before all that is in it, so that few are compared of many.
    """
    above: list[int] = []
    given = [index for index, path in enumerate(paths) if path]
    for index in sorted(given, key=lambda index: paths[index].replace("/", "\0")):
        while above and not f"{paths[index]}/".startswith(f"{paths[above[-1]]}/"):
            above.pop()
        yield from ((max(index, other), min(index, other)) for other in above)
        above.append(index)
