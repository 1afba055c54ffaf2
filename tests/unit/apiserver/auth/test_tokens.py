"""Tokens: signed, bound, refused."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from apimachinery.objects import Object
from apimachinery.scheme import PODS, SECRETS, SERVICE_ACCOUNTS, Resource
from apiserver.auth.authentication_config import Anonymous
from apiserver.auth.authenticator import CLIENT, Authenticator
from apiserver.auth.metrics import TokenCacheMetrics
from apiserver.auth.request_header import RequestHeaders
from apiserver.auth.token_file import load_token_file
from apiserver.auth.tokens import Bound, TokenIssuer, TokenVerifier
from apiserver.auth.x509 import Client
from apiserver.request import ANONYMOUS, UserInfo
from component_base.jwt import InvalidToken, Signer, Verifier, load_private_key, load_public_keys
from tests.unit.counting import Counting

ISSUER = "https://kubernetes.default.svc"
ACCOUNT: Object = {"metadata": {"namespace": "shop", "name": "robot", "uid": "u1"}}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class World:
    """The time, and the objects there are."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)
        self.used: list[Object] = []
        self.looks_up = True
        self.objects: dict[tuple[Resource, str, str], Object] = {(SERVICE_ACCOUNTS, "shop", "robot"): ACCOUNT}

    def now(self) -> datetime:
        return self.time

    def lookup(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return self.objects.get((resource, namespace, name))

    def issue(self, bound: Bound | None = None, audiences: tuple[str, ...] = (ISSUER,)) -> str:
        issuer = TokenIssuer(Signer(KEY), ISSUER, self.now)
        return issuer.issue(ACCOUNT, audiences, 3600, bound or Bound(""))

    def verify(self, token: str) -> UserInfo:
        keys, note = Verifier([KEY.public_key()]), self.used.append
        verifier = TokenVerifier(keys, (ISSUER,), self.lookup, self.now, note, looks_up_secrets=self.looks_up)
        return verifier.verify(token, (ISSUER,))[0]


def test_a_token_names_its_account() -> None:
    world = World()
    user = world.verify(world.issue())
    assert (user.name, user.uid) == ("system:serviceaccount:shop:robot", "u1")
    assert user.groups == (
        "system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated",
    )  # fmt: skip


def test_a_bound_token_names_its_pod_and_node() -> None:
    world = World()
    world.objects[PODS, "shop", "web"] = {"metadata": {"uid": "p1"}}
    user = world.verify(world.issue(Bound("Pod", "web", "p1", "node-1", "n1")))
    prefix = "authentication.kubernetes.io/"
    names = {key.removeprefix(prefix): value for key, value in user.extra.items() if "id" not in key}
    assert names == {"pod-name": ("web",), "node-name": ("node-1",)}


def age(world: World) -> None:
    world.time += timedelta(hours=2)


def replace_account(world: World) -> None:
    world.objects[SERVICE_ACCOUNTS, "shop", "robot"] = {"metadata": {"uid": "other"}}


def delete_pod(world: World) -> None:
    del world.objects[PODS, "shop", "web"]


def mark_pod_deleted_long_ago(world: World) -> None:
    world.objects[PODS, "shop", "web"]["metadata"]["deletionTimestamp"] = "2025-12-31T23:50:00Z"


END: dict[str, Callable[[World], None]] = {
    "it is old": age,
    "the account was made anew": replace_account,
    "the pod is gone": delete_pod,
    "the pod should be gone for long": mark_pod_deleted_long_ago,
}


@pytest.mark.parametrize("end", END.values(), ids=END.keys())
def test_a_token_dies_when(end: Callable[[World], None]) -> None:
    world = World()
    world.objects[PODS, "shop", "web"] = {"metadata": {"uid": "p1"}}
    token = world.issue(Bound("Pod", "web", "p1"))
    world.verify(token)
    end(world)
    with pytest.raises(InvalidToken):
        world.verify(token)


def test_a_token_for_somebody_else_is_refused() -> None:
    world = World()
    with pytest.raises(InvalidToken, match="audiences"):
        world.verify(world.issue(audiences=("elsewhere",)))


def tampered(token: str) -> str:
    head, _, signature = token.split(".")
    body = base64.urlsafe_b64encode(b'{"sub":"system:serviceaccount:kube-system:root"}').rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


@pytest.mark.parametrize(
    "make", [tampered, lambda token: token[:-2], lambda token: "a.b.c", lambda token: "x"]
)
def test_what_we_did_not_sign_is_refused(make: Callable[[str], str]) -> None:
    world = World()
    with pytest.raises(InvalidToken):
        world.verify(make(world.issue()))


@pytest.mark.parametrize("key", [KEY, ec.generate_private_key(ec.SECP256R1())], ids=["RS256", "ES256"])
def test_keys_are_read_from_files_and_published(key: Any, tmp_path: Path) -> None:
    path = tmp_path / "sa.key"
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*pem))
    verifier = Verifier(load_public_keys(path))
    token = Signer(load_private_key(path)).sign({"a": 1})
    assert verifier.verify(token) == {"a": 1}
    assert [each["alg"] for each in verifier.jwks()["keys"]] == verifier.algorithms()


def test_a_certificate_stands_for_its_key(tmp_path: Path) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sa-signer")])
    certificate = (
        x509.CertificateBuilder(name, name, KEY.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2026, 1, 1))
        .not_valid_after(datetime(2026, 1, 2))
        .sign(KEY, hashes.SHA256())
    )
    path = tmp_path / "sa-signer.crt"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    assert load_public_keys(path) == [KEY.public_key()]


LEGACY = "kubernetes/serviceaccount"
LEGACY_CLAIMS = {
    "iss": LEGACY,
    "sub": "system:serviceaccount:shop:robot",
    f"{LEGACY}/namespace": "shop",
    f"{LEGACY}/service-account.name": "robot",
    f"{LEGACY}/service-account.uid": "u1",
    f"{LEGACY}/secret.name": "robot-token",
}


@pytest.mark.parametrize("claim", sorted(LEGACY_CLAIMS.keys() - {"iss"}))
def test_a_legacy_token_says_all_even_if_nobody_looks_it_up(claim: str) -> None:
    world = World()
    world.looks_up = False
    with pytest.raises(InvalidToken):
        world.verify(Signer(KEY).sign(LEGACY_CLAIMS | {claim: ""}))


def test_a_legacy_token_lives_as_long_as_its_secret() -> None:
    world, counting = World(), Counting()
    token = Signer(KEY).sign(LEGACY_CLAIMS)
    data = {"token": base64.b64encode(token.encode()).decode()}
    secret: Object = {"metadata": {"name": "robot-token"}, "data": data}
    world.objects[SECRETS, "shop", "robot-token"] = secret
    assert world.verify(token).name == "system:serviceaccount:shop:robot"
    assert world.used == [secret]
    account = {**ACCOUNT, "secrets": [{"name": "robot-token"}]}
    world.objects[SERVICE_ACCOUNTS, "shop", "robot"] = account
    world.verify(token)
    del world.used[0]
    secret["metadata"]["labels"] = {"kubernetes.io/legacy-token-invalid-since": "2025-01-01"}
    with pytest.raises(InvalidToken, match=r"in secret shop/robot-token .* has been marked invalid"):
        world.verify(token)
    assert len(world.used) == 2, "who still uses it is worth knowing"
    del world.objects[SECRETS, "shop", "robot-token"]
    with pytest.raises(InvalidToken):
        world.verify(token)
    world.looks_up = False
    assert world.verify(token).uid == "u1", "--service-account-lookup=false"
    assert len(world.used) == 2
    uses = ("legacy_manual_token_uses", "legacy_auto_token_uses", "invalid_legacy_auto_token_uses")
    assert [counting.more(f"serviceaccount_{each}_total") for each in uses] == [1, 1, 1]
    assert counting.more("serviceaccount_legacy_tokens_total") == 3


def test_tokens_that_should_have_been_renewed_are_counted() -> None:
    world, counting = World(), Counting()
    issuer = TokenIssuer(Signer(KEY), ISSUER, world.now)
    token = issuer.issue(ACCOUNT, (ISSUER,), 3600, Bound(""), warn_after=60)
    world.verify(token)
    world.time += timedelta(seconds=61)
    world.verify(token)
    world.verify(world.issue())
    assert [counting.more(f"serviceaccount_{each}_tokens_total") for each in ("valid", "stale")] == [1, 1]


JANE = UserInfo("jane", groups=("system:authenticated",))
USER, GROUP = b"x-remote-user", b"x-remote-group"
PROXIED = [(USER, b"bob"), (GROUP, b"a"), (GROUP, b"b"), (b"x-remote-extra-a%2fb", b"c"), (b"accept", b"*/*")]
BOB = UserInfo("bob", groups=("a", "b", "system:authenticated"), extra={"a/b": ("c",)})
CREDENTIALS: dict[str, tuple[str, Client | None, UserInfo | None]] = {
    "a certificate": ("", Client(JANE), JANE),
    "a certificate beside a token": ("Bearer nonsense", Client(JANE), JANE),
    "a certificate of a proxy": ("", Client(is_proxy=True), BOB),
    "a certificate of an authority that vouches for nobody": ("", Client(), None),
    "such a certificate beside a token": ("Bearer t0ken", Client(), JANE),
    "a static token": ("Bearer t0ken", None, JANE),
    "a static token, and something else": ("Bearer t0ken more", None, JANE),
    "a token after too many blanks": ("Bearer  t0ken", None, ANONYMOUS),
    "a token nobody knows": ("Bearer nonsense", None, None),
    "nothing": ("", None, ANONYMOUS),
    "another scheme": ("Basic abc", None, ANONYMOUS),
}


def scope(client: Client | None = None, path: str = "/api") -> dict[str, Any]:
    return {"extensions": {CLIENT: client}, "headers": PROXIED, "path": path}


@pytest.mark.parametrize("row", CREDENTIALS.values(), ids=CREDENTIALS.keys())
async def test_credentials(row: tuple[str, Client | None, UserInfo | None]) -> None:
    header, client, expected = row
    headers = RequestHeaders(("x-remote-user",), (), ("x-remote-group",), ("x-remote-extra-",))
    authenticator = Authenticator(static_tokens={"t0ken": JANE}, request_headers=headers)
    asked = scope(client)
    assert await authenticator.authenticate(header, asked) == expected
    is_proxied = client is not None and client.is_proxy
    assert asked["headers"] == ([(b"accept", b"*/*")] if is_proxied else PROXIED)


@pytest.mark.parametrize(
    ("anonymous", "path", "expected"),
    [
        (Anonymous(), "/api", ANONYMOUS),
        (Anonymous(enabled=False), "/livez", None),
        (Anonymous(paths=frozenset(("/livez",))), "/livez", ANONYMOUS),
        (Anonymous(paths=frozenset(("/livez",))), "/livez/ping", None),
    ],
)
async def test_where_nobody_in_particular_may_ask(
    anonymous: Anonymous, path: str, expected: UserInfo | None
) -> None:
    assert await Authenticator(anonymous=anonymous).authenticate("", scope(path=path)) == expected


async def test_a_static_token_is_for_the_api_only() -> None:
    authenticator = Authenticator(static_tokens={"t0ken": JANE}, audiences=("api",))
    assert (await authenticator.review("t0ken"))[1] == ("api",)
    with pytest.raises(InvalidToken):
        await authenticator.review("t0ken", ("vault",))


async def test_a_good_token_is_remembered_for_ten_seconds() -> None:
    world, seconds = World(), [0.0]
    tokens = TokenVerifier(Verifier([KEY.public_key()]), (ISSUER,), world.lookup, world.now)
    authenticator = Authenticator(tokens=tokens, audiences=(ISSUER,), clock=lambda: seconds[0])
    header = f"Bearer {world.issue()}"
    assert await authenticator.authenticate(header, scope()) is not None
    world.objects.clear()
    assert await authenticator.authenticate(header, scope()) is not None
    seconds[0] = 11
    assert await authenticator.authenticate(header, scope()) is None
    cache = authenticator.token_cache
    assert (cache.hits, cache.fetched, cache.failures) == (1, 1, 1)


def test_how_long_tokens_take_is_told_in_whole_milliseconds() -> None:
    cache = TokenCacheMetrics()
    cache.hits = 3
    cache.missed(0.0129, is_good=True)
    cache.missed(0.0005, is_good=False)
    told = {
        (sample.name.rpartition("_")[2], sample.labels["status"]): sample.value
        for family in cache.collect()
        if family.name == "authentication_token_cache_request_duration_seconds"
        for sample in family.samples
        if "le" not in sample.labels
    }
    assert told == {("count", "hit"): 3, ("sum", "hit"): 0, ("count", "miss"): 2, ("sum", "miss"): 0.012}


def test_the_token_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    path.write_text('t0ken,jane,7,"devs,ops"\n\nother,bob,8\n')
    assert load_token_file(path) == {
        "t0ken": UserInfo("jane", "7", ("devs", "ops", "system:authenticated")),
        "other": UserInfo("bob", "8", ("system:authenticated",)),
    }
