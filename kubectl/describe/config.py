"""ConfigMaps, Secrets, ServiceAccounts and Namespaces."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from apimachinery.objects import Object, annotations_of, name_of
from apimachinery.well_known import SERVICE_ACCOUNT_NAME, SERVICE_ACCOUNT_TOKEN
from kubectl.describe import values
from kubectl.describe.related import Related
from kubectl.describe.values import NONE
from kubectl.describe.writer import Writer


def write_config_map(writer: Writer, obj: Object, _: Related) -> None:
    values.write_head(writer, obj)
    values.write_marks(writer, obj)
    writer.raw("\nData\n====\n")
    for key, text in sorted((obj.get("data") or {}).items()):
        writer.raw(f"{key}:\n----\n{text}\n\n")
    writer.raw("\nBinaryData\n====\n")
    for key, text in sorted((obj.get("binaryData") or {}).items()):
        writer.line(f"{key}: {len(base64.b64decode(text))} bytes")
    writer.line()


def write_secret(writer: Writer, obj: Object, _: Related) -> None:
    values.write_head(writer, obj)
    values.write_marks(writer, obj)
    writer.raw(f"\nType:\t{obj.get('type', '')}\n\nData\n====\n")
    for key, text in sorted((obj.get("data") or {}).items()):
        content = base64.b64decode(text)
        if key == "token" and obj.get("type") == SERVICE_ACCOUNT_TOKEN:
            writer.field(key, content.decode(errors="replace"))
        else:
            writer.field(key, f"{len(content)} bytes")


def write_service_account(writer: Writer, obj: Object, related: Related) -> None:
    values.write_head(writer, obj)
    values.write_marks(writer, obj)
    secrets = related.get("secrets", [])
    known = {name_of(each) for each in secrets}
    owned = [
        name_of(each)
        for each in secrets
        if each.get("type") == SERVICE_ACCOUNT_TOKEN
        and annotations_of(each).get(SERVICE_ACCOUNT_NAME) == name_of(obj)
    ]
    pulls = [each.get("name", "") for each in obj.get("imagePullSecrets") or ()]
    mounts = [each.get("name", "") for each in obj.get("secrets") or ()]
    for title, names in (("Image pull secrets", pulls), ("Mountable secrets", mounts), ("Tokens", owned)):
        header = f"{title}:".ljust(19)
        for name in names or [NONE]:
            missing = " (not found)" if name != NONE and name not in known else ""
            writer.line(f"{header}\t{name}{missing}")
            header = " " * 19


def write_namespace(writer: Writer, obj: Object, related: Related) -> None:
    values.write_head(writer, obj, namespaced=False)
    values.write_marks(writer, obj)
    writer.field("Status", (obj.get("status") or {}).get("phase", ""))
    _write_quotas(writer, related.get("resourcequotas", []))
    _write_limits(writer, related.get("limitranges", []))


def _write_quotas(writer: Writer, quotas: Sequence[Object]) -> None:
    if not quotas:
        writer.line("\nNo resource quota.")
        return
    writer.line("\nResource Quotas")
    for quota in quotas:
        writer.field("  Name", name_of(quota))
        hard, used = ((quota.get("status") or {}).get(name) or {} for name in ("hard", "used"))
        writer.line("  Resource\tUsed\tHard")
        writer.line("  --------\t---\t---")
        for name in sorted(hard):
            writer.line(f"  {name}\t{used.get(name, 0)}\t{hard[name]}")


def _write_limits(writer: Writer, ranges: Sequence[Object]) -> None:
    if not ranges:
        writer.line("\nNo LimitRange resource.")
        return
    writer.line(
        "\nResource Limits\n Type\tResource\tMin\tMax\t"
        "Default Request\tDefault Limit\tMax Limit/Request Ratio"
    )
    writer.line(" ----\t--------\t---\t---\t---------------\t-------------\t-----------------------")
    for limit in ranges:
        write_limit_rows(writer, limit, " ")


def write_limit_rows(writer: Writer, limit_range: Object, indent: str) -> None:
    columns = ("min", "max", "defaultRequest", "default", "maxLimitRequestRatio")
    for item in limit_range["spec"].get("limits") or ():
        names = sorted({name for column in columns for name in item.get(column) or {}})
        for name in names:
            cells = [str((item.get(column) or {}).get(name, "-")) for column in columns]
            writer.line("\t".join([f"{indent}{item['type']}", name, *cells]))


def write_limit_range(writer: Writer, obj: Object, _: Related) -> None:
    values.write_head(writer, obj)
    writer.line("Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio")
    writer.line("----\t--------\t---\t---\t---------------\t-------------\t-----------------------")
    write_limit_rows(writer, obj, "")


def write_resource_quota(writer: Writer, obj: Object, _: Related) -> None:
    values.write_head(writer, obj)
    hard, used = ((obj.get("status") or {}).get(name) or {} for name in ("hard", "used"))
    writer.line("Resource\tUsed\tHard")
    writer.line("--------\t----\t----")
    for name in sorted(hard):
        writer.line(f"{name}\t{used.get(name, 0)}\t{hard[name]}")
