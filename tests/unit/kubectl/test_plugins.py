"""Programs that are verbs."""

from pathlib import Path

import pytest

from kubectl import plugins
from kubectl.failures import CommandError
from kubectl.verbs.plugin import list_


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("kubectl-foo", "kubectl-foo-bar", "kubectl-with_dash", "other"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "name", "arguments"),
    [
        ("foo", "kubectl-foo", []),
        ("foo bar baz", "kubectl-foo-bar", ["baz"]),
        ("foo -x bar", "kubectl-foo", ["-x", "bar"]),
        ("with-dash a", "kubectl-with_dash", ["a"]),
    ],
)
def test_the_longest_name_wins(folder: Path, words: str, name: str, arguments: list[str]) -> None:
    assert plugins.find(words.split()) == plugins.Plugin(str(folder / name), arguments)


@pytest.mark.parametrize("words", ["other", "--foo bar", ""])
def test_what_is_no_plugin_is_not_found(folder: Path, words: str) -> None:
    assert plugins.find(words.split()) is None


def test_all_of_them_are_listed(folder: Path) -> None:
    assert [path.name for path in plugins.installed(f"{folder}:/nowhere:{folder}")] == [
        "kubectl-foo",
        "kubectl-foo-bar",
        "kubectl-with_dash",
    ]


def test_a_plugin_that_will_never_be_run_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / name for name in ("a/kubectl-foo", "b/kubectl-foo", "b/kubectl-get", "b/kubectl-bar")]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.touch(0o644 if file.name == "kubectl-bar" else 0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/a:{tmp_path}/b")
    with pytest.raises(CommandError, match="3 plugin warnings were found"):
        list_()
    assert capsys.readouterr().err.splitlines() == [
        f"  - warning: {files[3]} identified as a kubectl plugin, but it is not executable",
        f"  - warning: {files[1]} is overshadowed by a similarly named plugin: {files[0]}",
        '  - warning: kubectl-get overwrites existing command: "sampan get"',
    ]
