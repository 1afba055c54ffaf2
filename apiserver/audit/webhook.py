"""The audit log as an EventList for a webhook.

Source: plugin/pkg/audit/webhook of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from apimachinery.errors import StatusError
from apimachinery.objects import Object
from apiserver.audit.metrics import report_loss
from apiserver.audit.sink import Events
from apiserver.generic_webhook import GenericWebhook, WebhookError

_PLUGIN = "webhook"


def always(error: Exception) -> bool:
    """Which failures are worth another attempt: whatever it was, the receiver may get well again."""
    return True


class WebhookSink:
    def __init__(self, webhook: GenericWebhook) -> None:
        self._webhook = webhook

    async def process(self, events: Events) -> bool:
        try:
            await self._webhook.tell(event_list(events))
        except (StatusError, WebhookError) as error:
            report_loss(_PLUGIN, str(error), events)
            return False
        return True

    async def run(self) -> None:
        """It acts when it is given something."""

    async def aclose(self) -> None:
        await self._webhook.aclose()


def event_list(events: Events) -> Object:
    """Items of a list do not say what they are."""
    items = [{k: v for k, v in each.items() if k not in ("kind", "apiVersion")} for each in events]
    return {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": items}
