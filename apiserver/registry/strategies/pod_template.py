"""PodTemplates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery.field import ErrorList, Path
from apimachinery.objects import Object, get_path
from apiserver.registry.strategies.podspec.defaults import default_template
from apiserver.registry.strategies.podspec.spec import validate_template
from apiserver.registry.strategies.tables import container_cells, labels_text
from apiserver.registry.strategies.warnings.pods import is_new_generation, template_warnings
from apiserver.registry.strategy import NAME_COLUMN, Column, Strategy


class PodTemplateStrategy(Strategy):
    has_status = False
    columns: Sequence[Column] = (
        NAME_COLUMN,
        Column("Containers"),
        Column("Images"),
        Column("Pod Labels"),
    )

    def default(self, obj: Object) -> None:
        default_template(obj.setdefault("template", {}))

    def validate(self, obj: Object) -> ErrorList:
        return list(validate_template(obj.get("template") or {}, Path("template")))

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [*template_warnings("template", obj.get("template"))] if is_new_generation(obj, old) else []

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        labels = labels_text(get_path(obj, "template.metadata.labels"))
        return [obj["metadata"]["name"], *container_cells(obj.get("template")), labels]
