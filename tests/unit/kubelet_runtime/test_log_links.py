"""Links to containers' logs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from kubelet.runtime.docker.labels import ATTEMPT, CONTAINER_NAME, POD_NAME, POD_NAMESPACE, POD_UID
from kubelet.runtime.docker.log_links import LogLinks

LABELS = {POD_NAMESPACE: "shop", POD_NAME: "cart", POD_UID: "u1", CONTAINER_NAME: "web", ATTEMPT: "2"}


def test_a_log_is_found_by_pod_and_by_container_until_it_goes(tmp_path: Path) -> None:
    file = tmp_path / "engine.log"
    file.write_text("hello")
    links = LogLinks(tmp_path / "pods", tmp_path / "containers")
    links.add(LABELS, "c1", file)
    links.add(LABELS, "c1", file)
    assert (tmp_path / "pods/shop_cart_u1/web/2.log").read_text() == "hello"
    assert (
        tmp_path / "containers/cart_shop_web-c1.log"
    ).readlink() == tmp_path / "pods/shop_cart_u1/web/2.log"
    links.add({**LABELS, ATTEMPT: "3"}, "c2", file)
    links.remove("c1")
    assert [each.name for each in (tmp_path / "pods/shop_cart_u1/web").iterdir()] == ["3.log"]
    links.remove("c2")
    links.remove("c2")
    assert list((tmp_path / "pods").iterdir()) == list((tmp_path / "containers").iterdir()) == []


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "pods").write_text("a file")
    LogLinks(tmp_path / "pods", tmp_path / "containers").add(LABELS, "c1", tmp_path / "engine.log")


@contextmanager
def killed_before(change: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is done within ends where it would change a folder once more than so often."""
    left = change

    def counted(act: Callable[..., None]) -> Callable[..., None]:
        def step(path: Path, *args: object, **options: object) -> None:
            nonlocal left
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
            act(path, *args, **options)

        return step

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        for name in ("symlink_to", "unlink", "rmdir"):
            patched.setattr(Path, name, counted(getattr(Path, name)))
        yield


@pytest.mark.parametrize("change", range(5))
def test_what_was_broken_off_is_taken_away_by_a_successor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: int
) -> None:
    links = LogLinks(tmp_path / "pods", tmp_path / "containers")
    links.add(LABELS, "whole", tmp_path / "engine.log")
    with killed_before(change, monkeypatch):
        links.remove("whole")
    with killed_before(change, monkeypatch):
        links.add({**LABELS, POD_UID: "u2"}, "half", tmp_path / "engine.log")
    links.remove("whole")
    links.remove("half")
    assert list(tmp_path.glob("*/*.log")) == list(tmp_path.glob("pods/*/*/*")) == []
    assert list(tmp_path.glob("pods/*_u1")) == []
