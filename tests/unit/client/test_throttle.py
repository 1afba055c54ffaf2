"""What a client tells of requests that had to wait."""

from __future__ import annotations

import logging

import pytest

from client.throttle import Throttle


@pytest.mark.looptime
async def test_who_waits_long_is_told_of_and_very_long_aloud_now_and_then(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    throttle = Throttle(qps=0.25, burst=2)
    waits = [await throttle.wait("GET", "/api/v1/pods") for _ in range(6)]
    assert waits == [0, 0, 4, 4, 4, 4]
    told = [(each.levelname, each.getMessage()) for each in caplog.records if each.name == "client.throttle"]
    words = (
        "Waited before sending request: delay=4.000s "
        "reason='client-side throttling, not priority and fairness' verb=GET URL=/api/v1/pods"
    )
    assert told == [("INFO", words), ("DEBUG", words), ("DEBUG", words), ("INFO", words)]
