"""EncryptionConfiguration: what is refused in which words, and which key is whose."""

from __future__ import annotations

from pathlib import Path

import pytest

from apiserver.config_files import ConfigError
from apiserver.storage.encryption.ciphers import CipherError
from apiserver.storage.encryption.config import load, parse_config
from apiserver.storage.encryption.transformer import Plain
from tests.unit.apiserver.storage.encryption.configurations import (
    CBC,
    IDENTITY,
    KEY,
    OTHER,
    SECRET,
    config,
    keys,
    kms,
)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (config(), "resources: Required value: at least one resources is required"),
        (config(([], [CBC])), r"resources\[0\]\.resources: Required value: at least one"),
        (config((["secrets"], [])), r"resources\[0\]\.providers: Required value: at least one"),
        (config((["secrets", "*."], [CBC])), "overlapping resources such as 'secrets' and '\\*.'"),
        (config((["secrets", "*.*"], [CBC])), "overlapping resources"),
        (config((["*.*", "*.*"], [CBC])), "multiple times, .* overlapping resources"),
        (config((["secrets", "secrets."], [CBC])), "the same resource cannot be specified multiple times"),
        (config((["secrets", "secrets"], [CBC])), "the same resource cannot be specified multiple times"),
        (config((["Secrets"], [CBC])), "should not contain capital letters"),
        (config((["*"], [CBC])), "use '\\*.' to encrypt all the resources from core API group"),
        (config((["events.events.k8s.io"], [CBC])), "stored using the 'events' API group"),
        (config((["secrets.*"], [CBC])), "encrypting the same resource across groups is not supported"),
        (config((["secrets"], [{}])), "provider does not contain any of the expected providers"),
        (config((["secrets"], [CBC | IDENTITY])), "more than one provider specified in a single element"),
        (kms(apiVersion="v1"), "KMSv1 is deprecated and will only receive security updates going forward"),
        (kms(apiVersion=None), "KMSv1 is deprecated"),
        (kms(apiVersion="v3"), 'kms.apiVersion: Invalid value: "v3": unsupported apiVersion'),
        (kms(name=""), "kms.name: Required value: name is a mandatory field for a provider"),
        (kms(name="a:b"), "invalid KMS provider name a:b, must not contain ':'"),
        (kms({}), "duplicate KMS provider name vault, names must be unique"),
        (kms(endpoint=""), "endpoint is a mandatory field for a kms"),
        (kms(endpoint="tcp://a"), 'unsupported scheme "tcp" for KMS provider, only unix is supported'),
        (kms(endpoint="unix://[::1"), "invalid endpoint for kms provider, error: parse"),
        (kms(timeout="0s"), "timeout should be a positive value"),
        (kms(timeout="soon"), 'time: invalid duration "soon"'),
        (kms(apiVersion="v1", cachesize=0), "cachesize should be a positive value, or negative to disable"),
        (kms(cachesize=9), "cachesize is not supported in v2"),
        (config((["secrets"], [{"aescbc": {"keys": []}}])), "at least one keys is required"),
        (config((["secrets"], [{"aescbc": keys("")}])), "name is a mandatory field for a key"),
        (config((["secrets"], [{"aescbc": keys("a", secret="")}])), "secret is a mandatory field for a key"),
        (config((["secrets"], [IDENTITY | {"aesgcm": {}}])), r"elements, .* at least one keys is required\]"),
        (config((["secrets"], [{"aescbc": keys("a", secret="%")}])), "secrets must be base64 encoded"),
        (
            config((["secrets"], [{"secretbox": keys("a", secret="c2hvcnQ=")}])),
            r"got 5, expected one of \[32\]",
        ),
        (config((["*.*"], [CBC]), (["secrets"], [CBC])), 'resource "secrets" is masked by earlier rule'),
        (config((["secrets"], [{"aes": {}}])), r'unknown field "resources\[0\]\.providers\[0\]\.aes"'),
        (
            b"kind: Pod\napiVersion: v1",
            'parsing file: error decoding encryption provider configuration file "": no kind "Pod"',
        ),
        (b"{", "unexpected end of JSON input"),
    ],
)
def test_what_cannot_be_served_is_refused(text: bytes, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as refusal:
        parse_config(text)
    assert SECRET not in str(refusal.value)


def test_what_the_kind_was_called_once_is_read() -> None:
    old = config((["secrets"], [CBC])).replace(b"apiserver.config.k8s.io/v1", b"v1")
    assert parse_config(old.replace(b"EncryptionConfiguration", b"EncryptionConfig")).of_key(KEY)


def test_a_file_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    file = f'encryption provider configuration file "{path}"'
    told = "error while parsing file: error while loading file:"
    with pytest.raises(ConfigError) as refusal:
        load(str(path))
    assert str(refusal.value) == f"{told} error reading {file}: open {path}: no such file or directory"
    path.touch()
    with pytest.raises(ConfigError) as refusal:
        load(str(path))
    assert str(refusal.value) == f"{told} {file} is empty"


@pytest.mark.parametrize(
    ("rule", "key", "is_encrypted"),
    [
        ("secrets", KEY, True),
        ("secrets", "/registry/configmaps/default/a", False),
        ("services", "/registry/services/specs/default/a", True),
        ("services", "/registry/services/endpoints/default/a", False),
        ("*.", "/registry/minions/n1", True),
        ("*.", "/registry/deployments/default/a", False),
        ("deployments.apps", "/registry/deployments/default/a", True),
        ("*.apps", "/registry/deployments/default/a", True),
        ("events", "/registry/events/default/a", True),
        ("*.stable.example.com", "/registry/stable.example.com/crontabs/default/a", True),
        ("*.other.example.com", "/registry/stable.example.com/crontabs/default/a", False),
        ("*.*", "/registry/stable.example.com/crontabs/default/a", True),
        ("*.*", "/registry/apiregistration.k8s.io/apiservices/v1.apps", True),
        ("*.*", "/registry/ranges/serviceips", False),
        ("*.*", "compact_rev_key", False),
    ],
)
def test_rules_say_whose_values_are_encrypted(rule: str, key: str, is_encrypted: bool) -> None:
    transformer = parse_config(config(([rule], [CBC]))).of_key(key)
    sealed = transformer.seal(b"{}", key) if transformer else b"{}"
    assert sealed.startswith(b"k8s:enc:aescbc:v1:one:" if is_encrypted else b"{}")


def test_the_first_key_writes_and_each_reads() -> None:
    old = parse_config(config((["secrets"], [CBC, IDENTITY]))).of_key(KEY)
    new = parse_config(
        config((["secrets"], [{"aesgcm": keys("two", "three", secret=OTHER)}, CBC, IDENTITY]))
    ).of_key(KEY)
    assert old is not None
    assert new is not None
    by_new, by_old = new.seal(b"v", KEY), old.seal(b"v", KEY)
    assert by_new.startswith(b"k8s:enc:aesgcm:v1:two:")
    assert new.open(by_new, KEY) == Plain(b"v", is_stale=False)
    assert new.open(by_old, KEY) == Plain(b"v", is_stale=True)
    assert new.open(b"{}", KEY) == Plain(b"{}", is_stale=True)
    with pytest.raises(CipherError, match="no matching prefix found"):
        old.open(by_new, KEY)


def test_line_breaks_in_a_secret_count_for_nothing() -> None:
    broken = f"{SECRET[:8]}\n{SECRET[8:]}\n"
    writer = parse_config(config((["secrets"], [{"aescbc": keys("one", secret=broken)}]))).of_key(KEY)
    reader = parse_config(config((["secrets"], [CBC]))).of_key(KEY)
    assert writer is not None
    assert reader is not None
    assert reader.open(writer.seal(b"v", KEY), KEY) == Plain(b"v", is_stale=False)


def test_identity_first_decrypts_for_good() -> None:
    sealed = parse_config(config((["secrets"], [CBC]))).of_key(KEY)
    plain = parse_config(config((["secrets"], [IDENTITY, CBC]))).of_key(KEY)
    assert sealed is not None
    assert plain is not None
    assert plain.open(sealed.seal(b"v", KEY), KEY) == Plain(b"v", is_stale=True)
    assert plain.seal(b"v", KEY) == b"v"


def test_of_two_keys_with_one_name_each_is_tried() -> None:
    old = parse_config(config((["secrets"], [CBC]))).of_key(KEY)
    both = parse_config(config((["secrets"], [{"aescbc": keys("one", secret=OTHER)}, CBC]))).of_key(KEY)
    assert old is not None
    assert both is not None
    # A wrong key may happen to leave good padding, once in 256 times.
    sealed = next(each for each in iter(lambda: old.seal(b"v", KEY), b"") if both.open(each, KEY).is_stale)
    assert both.open(sealed, KEY) == Plain(b"v", is_stale=True)
