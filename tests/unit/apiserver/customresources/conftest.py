"""An apiserver for a test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.api import Api, serving


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving() as api:
        yield api
