"""The verbs of a cluster's life (`sampan up`), which are kubeadm's and typer's.

They talk to no server and have no global flags. typer takes as long to import as `get` takes in all, so
that only these verbs pay for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import typer

# typer brings a click of its own, which is not the package of that name.
from typer._click.exceptions import NoSuchOption
from typer._click.exceptions import UsageError as TyperUsageError
from typer.core import TyperGroup
from typer.exceptions import Abort, Exit

from kubeadm.cli import app
from kubectl.arguments import UsageError
from kubectl.commands import PROGRAM


def run(words: Sequence[str]) -> int:
    """Runs one of them; returns the exit code. Raises UsageError."""
    try:
        result = typer.main.get_command(app).main(args=list(words), prog_name=PROGRAM, standalone_mode=False)
    except NoSuchOption as error:
        raise UsageError(f"unknown flag: {error.option_name}", words[0]) from None
    except TyperUsageError as error:
        raise UsageError(error.format_message(), words[0]) from None
    except Exit as error:
        return error.exit_code
    except Abort:
        return 130
    return result if isinstance(result, int) else 0


def summaries() -> dict[str, str]:
    """The verbs and what they are for."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return {name: each.get_short_help_str(100).rstrip(".") for name, each in group.commands.items()}
