"""One command line, from its words to an exit code."""

from __future__ import annotations

import os
from collections.abc import Sequence

from kubectl import session
from kubectl.commands import Call, understand
from kubectl.failures import report
from kubectl.tree import CATEGORIES, CLUSTER_VERBS, ROOT

INTERRUPTED = 130


def run(words: Sequence[str]) -> int:
    """Runs a command line; every failure becomes a message and a code."""
    try:
        return _run(words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except Exception as error:  # the outermost place
        return report(error)


def _run(words: Sequence[str]) -> int:
    if words and words[0] in CLUSTER_VERBS:
        from kubectl import cluster_verbs

        return cluster_verbs.run(words)
    if words[:1] == ["__complete"]:
        from kubectl.verbs import completion

        completion.answer(words[1:])
        return 0
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    if words and words[0] not in ROOT.verbs:
        _run_plugin(words)
    call = understand(ROOT, words)
    if call.wants_help:
        print(_help(call), end="")
        return 0 if "--help" in words or "-h" in words or not call.found.path else 1
    session.configure(call.globals, call.line)
    call.run()
    return 0


def _run_plugin(words: Sequence[str]) -> None:
    """Becomes the program that has the words as its name, if there is one."""
    from kubectl import plugins

    found = plugins.find(words)
    if found is not None:
        os.execv(found.path, [found.path, *found.arguments])


def _help(call: Call) -> str:
    from kubectl import cluster_verbs, help

    if call.found.path:
        return help.text(call.found)
    listed = {
        title: {name: help.summary(verb) for name, verb in verbs.items()}
        for title, verbs in CATEGORIES.items()
    }
    return help.root(ROOT.summary, {"Cluster Life Commands:": cluster_verbs.summaries(), **listed})
