"""How containers end and begin again: restart policies and rules of their own, stop signals."""

from __future__ import annotations

from apimachinery.field import Errors, Path, forbidden, not_supported, required, too_many
from apimachinery.objects import Object

_POLICIES = ("Always", "Never", "OnFailure")
_MOST_RULES, _MOST_CODES = 20, 255
_OF_WINDOWS = ("SIGKILL", "SIGTERM")
_NAMED = """
    SIGABRT SIGALRM SIGBUS SIGCHLD SIGCLD SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGIOT SIGKILL SIGPIPE
    SIGPOLL SIGPROF SIGPWR SIGQUIT SIGSEGV SIGSTKFLT SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU
    SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH SIGXCPU SIGXFSZ SIGRTMIN SIGRTMAX
"""
_OF_LINUX = (
    *_NAMED.split(),
    *(f"SIGRTMIN+{number}" for number in range(1, 16)),
    *(f"SIGRTMAX-{number}" for number in range(1, 15)),
)


def validate_restarts(container: Object, path: Path) -> Errors:
    """Of a container or an init container; upstream's validateContainerRestartPolicy."""
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules") or ()
    if policy is not None and policy not in _POLICIES:
        yield not_supported(path.child("restartPolicy"), policy, _POLICIES)
    if policy is None and rules:
        yield required(path.child("restartPolicy"), "must specify restartPolicy when restart rules are used")
    at = path.child("restartPolicyRules")
    if len(rules) > _MOST_RULES:
        yield too_many(at, len(rules), _MOST_RULES)
    for index, rule in enumerate(rules):
        yield from _validate_rule(rule, at.index(index))


def _validate_rule(rule: Object, path: Path) -> Errors:
    if rule.get("action") != "Restart":
        yield not_supported(path.child("action"), rule.get("action") or "", ("Restart",))
    codes, at = rule.get("exitCodes"), path.child("exitCodes")
    if codes is None:
        yield required(at, "must be specified")
        return
    operator = codes.get("operator") or ""
    if operator not in ("In", "NotIn"):
        yield not_supported(at.child("operator"), operator, ("In", "NotIn"))
    count = len(codes.get("values") or ())
    if count > _MOST_CODES:
        yield too_many(at.child("values"), count, _MOST_CODES)


def validate_stop_signal(signal: str, path: Path, os: str | None) -> Errors:
    """`os` is spec.os.name, None without spec.os: what a signal means depends on it."""
    if os is None:
        yield forbidden(path, "may not be set for containers with empty `spec.os.name`")
        return
    known = {"windows": _OF_WINDOWS, "linux": _OF_LINUX}.get(os)
    if known is not None and signal not in known:
        yield not_supported(path, signal, sorted(known))
