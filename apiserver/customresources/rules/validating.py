"""Objects held against the rules of their schema, place by place.

Source: pkg/apiserver/schema/cel/validation.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from apimachinery.field import Errors, FieldError, Path, duplicate, forbidden, format_value, invalid, required
from apimachinery.objects import Object
from apiserver.cel.environment import CostExceeded, EvaluationError
from apiserver.cel.metrics import EVALUATION
from apiserver.cel.patience import take_time
from apiserver.customresources.rules.compiling import OLD_SELF, SELF, Priced, Rule, RuleError, compile_rules
from apiserver.customresources.rules.places import to_cel, type_of, with_type_and_metadata
from apiserver.customresources.schema.correlation import UNRELATED, related_field, related_item
from apiserver.customresources.schema.fieldpath import as_path
from apiserver.customresources.schema.structural import VALIDATIONS, Structural

Variables = Mapping[str, Any]

CALL_LIMIT = 1_000_000
OBJECT_BUDGET = 10_000_000
_MAX_MESSAGE = 5 * 1024
_ROOT = Path()
_OUT_OF_BUDGET = "failed due to running out of cost budget, no further validation rules will be run"
_CALL_TOO_EXPENSIVE = "no further validation rules will be run due to call cost exceeds limit for"


class _OutOfBudget(Exception):
    """All together cost too much."""


class _End(Exception):
    """Nothing more is evaluated; the argument is the error that says why."""


class _Doubtful(Exception):
    """What it may cost at most is too much: it has to be counted."""


class Ledger:
    """What the rules of one object cost together, and their messages.

    Evaluating raises EvaluationError, CostExceeded where one expression costs too much, _OutOfBudget.
    """

    def __init__(self, *, of_unchanged: bool = False) -> None:
        self.of_unchanged = of_unchanged
        """Whether it is only about what did not change; otherwise it is about all else."""
        self._left = OBJECT_BUDGET

    def evaluate(self, expression: Priced, value: Any, variables: Variables) -> Any:
        """By what it may cost at most, which is quickly told.

        Raises _Doubtful if that may be too much, TakesLong after many that were not.
        """
        bound = expression.cost if expression.cost <= CALL_LIMIT else expression.cost_for(value)
        self._left -= bound
        if bound > CALL_LIMIT or self._left < 0:
            raise _Doubtful
        take_time(0)
        return expression.program.evaluate(variables)


class CountingLedger(Ledger):
    """By what it does cost."""

    def evaluate(self, expression: Priced, value: Any, variables: Variables) -> Any:
        outcome = expression.program.measure(variables, CALL_LIMIT)
        self._left -= outcome.cost
        if self._left < 0:
            raise _OutOfBudget
        if outcome.error:
            raise EvaluationError(outcome.error)
        return outcome.value


class RuleValidator:
    """The rules of a place and of all below it; compiled when they are first needed."""

    def __init__(self, schema: Structural, *, is_resource: bool = False) -> None:
        self._schema = schema
        self._place = with_type_and_metadata(schema) if is_resource or schema.is_resource else schema
        self._rules: list[Rule | RuleError] | None = None
        self._fields = {
            name: RuleValidator(each)
            for name, each in schema.properties.items()
            if each.has_rules and type_of(each) is not None
        }
        self._items = _below(schema.items)
        self._values = _below(schema.additional)

    def validate(self, value: Any, old: Any = UNRELATED) -> list[FieldError]:
        """Every rule that is broken, as long as the budget lasts. Unchanged parts may stay as they were."""
        return self._found(value, old, of_unchanged=False)

    def tolerated(self, value: Any, old: Any) -> list[FieldError]:
        """What is broken in unchanged parts."""
        return self._found(value, old, of_unchanged=True)

    def _found(self, value: Any, old: Any, *, of_unchanged: bool) -> list[FieldError]:
        with EVALUATION.time():
            try:
                return self._validated(value, old, Ledger(of_unchanged=of_unchanged))
            except _Doubtful:
                return self._validated(value, old, CountingLedger(of_unchanged=of_unchanged))

    def _validated(self, value: Any, old: Any, ledger: Ledger) -> list[FieldError]:
        errors: list[FieldError] = []
        try:
            for error in self._validate(value, old, _ROOT, False, ledger):
                errors.append(error)  # noqa: PERF402  # what was found before the budget ran out counts
        except _End as end:
            errors += end.args
        return errors

    def _validate(
        self, value: Any, old: Any, path: Path, unchanged: bool, ledger: Ledger
    ) -> Iterator[FieldError]:
        if value is None:
            return
        if old is not UNRELATED:
            unchanged = value == old
        yield from self._own_rules(value, old, path, unchanged, ledger)
        if isinstance(value, list) and self._items is not None:
            for index, each in enumerate(value):
                before = related_item(self._schema.raw, value, old, index)
                yield from self._items._validate(each, before, path.index(index), unchanged, ledger)
        elif isinstance(value, dict):
            for name, each in value.items():
                inner, at = self._fields.get(name), path.child(name)
                if inner is None and self._values is not None and name not in self._schema.properties:
                    inner, at = self._values, path.key(name)
                if inner is not None:
                    yield from inner._validate(each, related_field(old, name), at, unchanged, ledger)

    def _own_rules(self, value: Any, old: Any, path: Path, unchanged: bool, ledger: Ledger) -> Errors:
        rules = self._compiled()
        if not rules:
            return
        has_old = old is not UNRELATED and old is not None
        seen = to_cel(value, self._place)
        before = to_cel(old, self._place) if has_old else None
        for rule in rules:
            if isinstance(rule, RuleError):
                if not ledger.of_unchanged:
                    yield invalid(path, self._schema.type, f"rule compile error: {rule.detail}")
            elif (unchanged and not rule.uses_old) is not ledger.of_unchanged:
                continue
            elif has_old or not rule.uses_old or rule.is_optional:
                yield from self._apply(rule, seen, before, has_old, path, ledger)

    def _compiled(self) -> list[Rule | RuleError]:
        if self._rules is None:
            self._rules = compile_rules(self._schema.raw.get(VALIDATIONS) or [], self._place)
        return self._rules

    def _apply(self, rule: Rule, value: Any, old: Any, has_old: bool, path: Path, ledger: Ledger) -> Errors:
        kind = self._schema.type
        try:
            holds = ledger.evaluate(rule.condition, value, rule.variables(value, old, has_old))
        except _OutOfBudget:
            raise _End(invalid(path, kind, f"validation {_OUT_OF_BUDGET}")) from None
        except CostExceeded as error:
            text = f"'{error}': {_CALL_TOO_EXPENSIVE} rule: {_shown(rule.raw)}"
            raise _End(invalid(path, kind, text)) from None
        except EvaluationError as error:
            yield invalid(path, kind, _evaluation_problem(str(error), rule.raw))
            return
        if holds is not True:
            names, at = {SELF: value, **({OLD_SELF: old} if has_old else {})}, as_path(rule.steps, path)
            try:
                message = _message_of(rule, value, names, ledger) or _default_message(rule.raw)
            except _OutOfBudget as end:
                raise _End(invalid(at, kind, str(end))) from None
            yield _broken(rule.raw, at, kind, message)


def _below(schema: Structural | None) -> RuleValidator | None:
    return RuleValidator(schema) if schema is not None and schema.has_rules else None


def _shown(rule: Object) -> str:
    text: str = rule.get("message") or rule["rule"]
    return text.strip()


def _default_message(rule: Object) -> str:
    message: str = rule.get("message") or ""
    return message.strip() or f"failed rule: {_shown(rule)}"


def _evaluation_problem(error: str, rule: Object) -> str:
    if error.startswith("no such overload"):
        return (
            f"'{error}': call arguments did not match a supported operator, function or macro signature "
            f"for rule: {_shown(rule)}"
        )
    return f"{error} evaluating rule: {_shown(rule)}"


def _message_of(rule: Rule, value: Any, variables: Variables, ledger: Ledger) -> str:
    """What a messageExpression says; nothing if it fails, or says nothing that can be shown.

    Raises _OutOfBudget with what is to be told.
    """
    if rule.message is None:
        return ""
    try:
        text = ledger.evaluate(rule.message, value, variables)
    except _OutOfBudget:
        raise _OutOfBudget(f"messageExpression evaluation {_OUT_OF_BUDGET}") from None
    except CostExceeded:
        source = format_value(rule.raw["messageExpression"])
        raise _OutOfBudget(f"{_CALL_TOO_EXPENSIVE} messageExpression: {source}") from None
    except EvaluationError:
        return ""
    text = text.strip() if isinstance(text, str) else ""
    return "" if "\n" in text or len(text.encode()) > _MAX_MESSAGE else text


def _broken(rule: Object, path: Path, kind: str, message: str) -> FieldError:
    match rule.get("reason"):
        case "FieldValueForbidden":
            return forbidden(path, message)
        case "FieldValueRequired":
            return required(path, message)
        case "FieldValueDuplicate":
            return duplicate(path, kind)
    return invalid(path, kind, message)
