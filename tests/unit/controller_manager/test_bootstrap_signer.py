"""Bootstrap tokens as signatures: which tokens vouch for cluster-info."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from apimachinery.bootstrap_tokens import BootstrapToken, is_signed, parse_token, sign
from apimachinery.objects import Object
from controller_manager.bootstrap_signer import signed_data, signing_tokens

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOKEN = BootstrapToken("abcdef", "0123456789abcdef")


def secret(name: str = "bootstrap-token-abcdef", **values: str) -> Object:
    data = {"token-id": "abcdef", "token-secret": TOKEN.secret, "usage-bootstrap-signing": "true"}
    data |= {key.replace("_", "-"): value for key, value in values.items()}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"metadata": {"name": name, "namespace": "kube-system"}, "data": encoded}


@pytest.mark.parametrize(
    ("stored", "signs"),
    [
        pytest.param(secret(), True, id="a good one"),
        pytest.param(secret(expiration="2026-01-01T00:00:01Z"), True, id="not expired yet"),
        pytest.param(secret(expiration="2026-01-01T00:00:00Z"), False, id="expired"),
        pytest.param(secret(expiration="soon"), False, id="with an expiration that is no time"),
        pytest.param(secret(usage_bootstrap_signing=""), False, id="not meant for signing"),
        pytest.param(secret(token_secret="short"), False, id="no token"),
        pytest.param(secret("bootstrap-token-others"), False, id="under another name"),
    ],
)
def test_which_tokens_sign(stored: Object, signs: bool) -> None:
    assert signing_tokens([stored], NOW) == ([TOKEN] if signs else [])


def test_a_signature_holds_for_its_text_and_token_alone() -> None:
    signature = sign("text", TOKEN)
    header, payload, mac = signature.split(".")
    assert base64.urlsafe_b64decode(header + "==") == b'{"alg":"HS256","kid":"abcdef"}'
    assert payload == ""
    assert len(base64.urlsafe_b64decode(mac + "=")) == 32
    assert is_signed("text", signature, TOKEN)
    assert not is_signed("other", signature, TOKEN)
    assert not is_signed("text", signature, BootstrapToken("abcdef", "fedcba9876543210"))


def test_signatures_follow_the_tokens() -> None:
    before = {"kubeconfig": "text", "jws-kubeconfig-gone00": "x", "other": "kept"}
    assert signed_data(before, [TOKEN]) == {
        "kubeconfig": "text",
        "other": "kept",
        "jws-kubeconfig-abcdef": sign("text", TOKEN),
    }
    assert signed_data({"other": "kept"}, [TOKEN]) == {"other": "kept"}


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("abcdef.0123456789abcdef", TOKEN),
        ("ABCDEF.0123456789abcdef", None),
        ("abcdef.0123456789abcde", None),
        ("abcdef0123456789abcdef", None),
        ("", None),
    ],
)
def test_what_a_token_looks_like(text: str, token: BootstrapToken | None) -> None:
    assert parse_token(text) == token
