"""Who an apply set is, and whose."""

import pytest

from apimachinery import scheme
from kubectl import apply_sets
from kubectl.apply_sets import ID, KINDS, PART_OF, TOOLING, ApplySet
from kubectl.failures import CommandError
from kubectl.resources import Target

SET = ApplySet(Target(scheme.SECRETS, "set"), "default")
ANNOTATIONS = {TOOLING: "kubectl/v1.34.0", KINDS: ""}


def test_an_id_is_a_hash_of_name_namespace_and_kind() -> None:
    other = ApplySet(Target(scheme.CONFIG_MAPS, "set"), "default")
    assert SET.id != other.id
    # base64(sha256("set.default.Secret."))
    assert SET.id == "applyset-GzV5QNw0hpfp90Rc5ckxJmVoyyU-gDZeLYpJFDTwDHA-v1"


def test_members_carry_the_id() -> None:
    labelled = SET.labelled({"metadata": {"name": "a", "labels": {"b": "c"}}})
    assert labelled["metadata"]["labels"] == {"b": "c", PART_OF: SET.id}
    with pytest.raises(CommandError, match="already set in input data"):
        SET.labelled(labelled)


@pytest.mark.parametrize(
    ("annotations", "labels", "message"),
    [
        ({KINDS: ""}, {ID: "x"}, "missing required annotation"),
        ({**ANNOTATIONS, TOOLING: "helm/v3"}, {ID: "x"}, 'managed by tooling "helm" instead of "kubectl"'),
        (ANNOTATIONS, {}, "does not have required label"),
        (ANNOTATIONS, {ID: "y"}, r"incorrect value for label .*\(got: y, want: x\)"),
        ({TOOLING: "kubectl/v1"}, {ID: "x"}, "annotation to be set on all ApplySet parent objects"),
    ],
)
def test_what_is_no_set_or_anothers_is_refused(
    annotations: dict[str, str], labels: dict[str, str], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        apply_sets._check_parent("secrets./set", annotations, labels, "x")
