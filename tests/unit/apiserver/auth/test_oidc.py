"""OpenID Connect: whose tokens are good, who they stand for, and how keys are come by."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from apiserver.auth.authentication_config import Claim, JWTAuthenticator, Rule
from apiserver.auth.authenticator import Authenticator
from apiserver.auth.claim_mapping import user_of
from apiserver.auth.distributed_claims import MAX_VERIFIERS, DistributedClaim
from apiserver.auth.oidc import OIDCAuthenticator
from apiserver.auth.oidc_keys import FetchError, HttpFetch, IssuerKeys, keys_of
from apiserver.auth.oidc_verifier import IDTokenVerifier
from apiserver.request import UserInfo
from component_base.jwt import InvalidToken
from tests.fakes.http_server import Exchange, scripted
from tests.unit.counting import Counting

ISSUER = "https://login.example.com"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
OLD_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NEW_KEY = ec.generate_private_key(ec.SECP384R1())
CONFIG = JWTAuthenticator(ISSUER, ("sampan",), Claim("sub", "oidc:"), Claim("groups", "oidc:"))


class Provider:
    """An issuer with the keys it publishes."""

    def __init__(self, **keys: Any) -> None:
        self.keys = keys
        self.issuer = ISSUER
        self.is_away = False
        self.asked: list[str] = []
        self.time = 0.0

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        await asyncio.sleep(0)
        if self.is_away:
            raise FetchError("connection refused")
        if url.endswith("/.well-known/openid-configuration"):
            return orjson.dumps({"issuer": self.issuer, "jwks_uri": f"{ISSUER}/keys"})
        return orjson.dumps({"keys": [jwk(name, key) for name, key in self.keys.items()]})

    def authenticator(self, config: JWTAuthenticator = CONFIG) -> OIDCAuthenticator:
        keys = IssuerKeys(config.issuer, self.fetch, lambda: self.time, config.discovery_url)
        return OIDCAuthenticator(config, keys, lambda: NOW)


def jwk(name: str, key: Any) -> dict[str, Any]:
    family = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**family.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig"}


def said(**claims: Any) -> dict[str, Any]:
    return {"iss": ISSUER, "aud": "sampan", "sub": "jane", "exp": NOW.timestamp() + 60, **claims}


def sign(key: Any = OLD_KEY, name: str = "old", algorithm: str = "RS256", **claims: Any) -> str:
    return jwt.encode(said(**claims), key, algorithm, headers={"kid": name})


def sign_unchecked(**claims: Any) -> str:
    """Whatever the claims are: the library looks at what it is to sign otherwise."""
    return jwt.PyJWS().encode(orjson.dumps(said(**claims)), OLD_KEY, "RS256", headers={"kid": "old"})


async def test_a_user_has_the_prefixed_names_of_the_claims() -> None:
    user = await Provider(old=OLD_KEY).authenticator().verify(sign(groups=["devs"], jti="x"))
    extra = {"authentication.kubernetes.io/credential-id": ("JTI=x",)}
    assert user == UserInfo("oidc:jane", groups=("oidc:devs", "system:authenticated"), extra=extra)


@pytest.mark.parametrize(
    ("token", "result"), [(sign(), "success"), (sign(exp=0), "failure")], ids=["good", "expired"]
)
async def test_how_long_a_token_takes_is_told_by_its_issuer(token: str, result: str) -> None:
    counting = Counting()
    with suppress(InvalidToken):
        await Provider(old=OLD_KEY).authenticator().verify(token)
    issuer = "sha256:4b246bc1a12459de3b1003951d2219e7408ab213dfd526443a48642f9b3facf1"
    more = counting.more(
        "apiserver_authentication_jwt_authenticator_latency_seconds_count",
        result=result, jwt_issuer_hash=issuer,
    )  # fmt: skip
    assert more == 1


REFUSED: dict[str, tuple[str, str]] = {
    "another key": (sign(NEW_KEY, algorithm="ES384"), "failed to verify signature"),
    "an expired one": (sign(exp=NOW.timestamp()), "oidc: token is expired"),
    "one of tomorrow": (sign(nbf=NOW.timestamp() + 301), "nbf"),
    "one for another": (sign(aud=["x", "y"]), 'oidc: expected audience in ["sampan"] got ["x" "y"]'),
    "one for a number": (sign_unchecked(aud=5), 'oidc: expected audience in ["sampan"] got [5]'),
    "one without a signature": (
        jwt.encode({"iss": ISSUER}, None, "none"), 'unsupported algorithm, expected [RS256',
    ),
    "one signed with the public key": (
        jwt.encode({"iss": ISSUER}, "s" * 32, "HS256"), 'got "HS256"',
    ),
    "nobody": (sign(sub=None), 'parse username claims "sub"'),
    "groups that are none": (sign(groups=[1]), 'parse groups claim "groups"'),
}  # fmt: skip


@pytest.mark.parametrize(("token", "why"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_refused(token: str, why: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        await Provider(old=OLD_KEY).authenticator().verify(token)
    assert why in str(caught.value)


async def test_a_new_key_is_fetched_when_a_token_names_it() -> None:
    provider = Provider(old=OLD_KEY)
    authenticator = provider.authenticator()
    await authenticator.verify(sign())
    await authenticator.verify(sign())
    assert len(provider.asked) == 2, "a document and the keys"
    provider.keys, provider.time = {"new": NEW_KEY}, 60.0
    assert (await authenticator.verify(sign(NEW_KEY, "new", "ES384"))).name == "oidc:jane"
    with pytest.raises(InvalidToken):
        await authenticator.verify(sign())


async def test_tokens_that_come_together_share_a_fetch_and_bad_ones_cannot_force_many() -> None:
    provider = Provider(old=OLD_KEY)
    authenticator = provider.authenticator()
    await asyncio.gather(*(authenticator.verify(sign(sub=str(number))) for number in range(5)))
    for _ in range(5):
        with pytest.raises(InvalidToken):
            await authenticator.verify(sign(NEW_KEY, "forged", "ES384"))
    assert len(provider.asked) == 2


@pytest.mark.parametrize("trouble", ["away", "another issuer"])
async def test_an_issuer_in_trouble_is_asked_again_later(trouble: str) -> None:
    provider = Provider(old=OLD_KEY)
    provider.is_away, provider.issuer = trouble == "away", "https://other" if trouble != "away" else ISSUER
    authenticator = provider.authenticator()
    with pytest.raises(InvalidToken, match=r"connection refused|did not match"):
        await authenticator.verify(sign())
    provider.is_away, provider.issuer, provider.time = False, ISSUER, 60.0
    assert (await authenticator.verify(sign())).name == "oidc:jane"


async def test_the_discovery_document_may_be_elsewhere() -> None:
    provider = Provider(old=OLD_KEY)
    url = "https://inside/.well-known/openid-configuration"
    await provider.authenticator(
        JWTAuthenticator(ISSUER, ("sampan",), Claim("sub"), discovery_url=url)
    ).verify(sign())
    assert provider.asked[0] == url


MAIL = JWTAuthenticator(ISSUER, ("sampan",), Claim("email"), uid=Claim("oid"), required_claims={"hd": "x"})
GOOD = {"email": "j@x", "oid": "7", "hd": "x"}


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        (GOOD, "j@x"),
        ({**GOOD, "email_verified": True}, "j@x"),
        ({**GOOD, "email_verified": False}, "oidc: email not verified"),
        ({**GOOD, "hd": "y"}, "oidc: required claim hd value does not match. Got = y, want = x"),
        ({"email": "j@x", "oid": "7"}, "oidc: required claim hd not present in ID token"),
        ({"email": "j@x", "hd": "x"}, 'oidc: parse uid claim "oid": claim not present'),
    ],
)
def test_who_claims_stand_for(claims: dict[str, Any], expected: str) -> None:
    try:
        found = user_of(claims, MAIL).name
    except InvalidToken as error:
        found = str(error)
    assert found == expected


ELSEWHERE = {"_claim_names": {"groups": "a"}, "_claim_sources": {"a": {"endpoint": "https://groups"}}}
A_SOURCE = {"a": {"endpoint": "https://groups", "access_token": "secret"}}


@pytest.mark.parametrize(
    ("claims", "answer", "expected"),
    [
        pytest.param({}, None, (), id="no groups at all"),
        pytest.param({**ELSEWHERE, "groups": ["b"]}, None, ("oidc:b",), id="groups in the token itself"),
        pytest.param(
            {**ELSEWHERE, "_claim_sources": A_SOURCE}, sign(groups=["a"]), ("oidc:a",), id="groups elsewhere"
        ),
        pytest.param(ELSEWHERE, sign(), "did not contain claim: groups", id="none there either"),
        pytest.param(ELSEWHERE, sign(aud="x", groups=["a"]), "expected audience in", id="not for us"),
        pytest.param(ELSEWHERE, None, 'distributed claim "groups": connection refused', id="nobody there"),
        pytest.param({"_claim_names": {"groups": "a"}}, None, "oidc: no claim sources", id="no sources"),
        pytest.param(
            {"_claim_names": {"groups": "b"}, "_claim_sources": A_SOURCE}, None,
            "contained a source b missing in _claims_sources", id="another source",
        ),
        pytest.param({**ELSEWHERE, "_claim_names": {"roles": "a"}}, None, (), id="another claim elsewhere"),
    ],
)  # fmt: skip
async def test_groups_may_be_elsewhere(
    claims: dict[str, Any], answer: str | None, expected: tuple[str, ...] | str
) -> None:
    provider, shown = Provider(old=OLD_KEY), list[str]()

    async def fetch(url: str, token: str) -> bytes:
        shown.append(token)
        if answer is None:
            raise FetchError("connection refused")
        return answer.encode()

    def verifier_of(issuer: str) -> IDTokenVerifier:
        return IDTokenVerifier(CONFIG, IssuerKeys(issuer, provider.fetch, lambda: 0.0), lambda: NOW)

    keys = IssuerKeys(ISSUER, provider.fetch, lambda: 0.0)
    groups = DistributedClaim("groups", fetch, verifier_of)
    authenticator = OIDCAuthenticator(CONFIG, keys, lambda: NOW, groups)
    if isinstance(expected, str):
        with pytest.raises(InvalidToken, match=r"^oidc: could not expand distributed claims: ") as refused:
            await authenticator.verify(sign(**claims))
        assert expected in str(refused.value)
        return
    user = await authenticator.verify(sign(**claims))
    assert user.groups == (*expected, "system:authenticated")
    assert shown in ([], ["secret"])


def test_not_every_issuer_that_was_ever_named_is_kept() -> None:
    made: list[str] = []

    def verifier_of(issuer: str) -> IDTokenVerifier:
        made.append(issuer)
        return IDTokenVerifier(CONFIG, IssuerKeys(issuer, Provider().fetch, lambda: 0.0), lambda: NOW)

    claim = DistributedClaim("groups", HttpFetch(""), verifier_of)
    for number in range(MAX_VERIFIERS + 1):
        claim.verifier("https://known")
        claim.verifier(f"https://{number}")
    claim.verifier("https://0")
    assert made == [
        "https://known",
        *(f"https://{number}" for number in range(MAX_VERIFIERS + 1)),
        "https://0",
    ]


async def test_an_endpoint_is_shown_the_token_that_is_meant_for_it() -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.answer(b"a.b.c", "200 OK" if exchange.header("authorization") else "403 Forbidden")

    async with scripted(answer) as server:
        url = f"http://127.0.0.1:{server.port}/groups"
        assert await HttpFetch("")(url, "secret") == b"a.b.c"
        assert server.exchanges[0].header("authorization") == "Bearer secret"
        with pytest.raises(FetchError, match=r"^403 Forbidden: http"):
            await HttpFetch("")(url)


async def test_an_endpoint_that_is_no_url_gives_nothing() -> None:
    with pytest.raises(FetchError, match="Invalid port"):
        await HttpFetch("")("https://issuer.example.com:x/")


BY_RULES = JWTAuthenticator(
    ISSUER,
    ("sampan",),
    Claim(expression="'oidc:' + claims.sub"),
    Claim(expression="claims.?roles.orValue([])"),
    Claim(expression="claims.oid"),
    extra=(
        ("example.com/team", "claims.?team.orValue('')"),
        ("example.com/org", "claims.example__dot__com.org"),
    ),
    rules=(Rule("claims.exp - claims.nbf <= 3600", "too long"),),
    user_rules=(Rule("!user.username.startsWith('oidc:system:')", "reserved"),),
)
NAMED = {"sub": "jane", "oid": "7", "exp": 3600, "nbf": 0, "example.com": {"org": ["", "a"]}, "team": ""}


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        (
            {**NAMED, "roles": ["a", ""]},
            UserInfo("oidc:jane", "7", ("a", "system:authenticated"), {"example.com/org": ("a",)}),
        ),
        (
            {**NAMED, "roles": "a"},
            UserInfo("oidc:jane", "7", ("a", "system:authenticated"), {"example.com/org": ("a",)}),
        ),
        (
            {**NAMED, "exp": 3601},
            "oidc: error evaluating claim validation expression: validation expression "
            "'claims.exp - claims.nbf <= 3600' failed: too long",
        ),
        (
            {**NAMED, "sub": "system:x"},
            "oidc: error evaluating user info validation rule: validation expression "
            "'!user.username.startsWith('oidc:system:')' failed: reserved",
        ),
        (
            {**NAMED, "oid": 7},
            "oidc: error evaluating uid claim expression: uid claim expression must return a string",
        ),
        (
            {**NAMED, "roles": [1]},
            "oidc: error evaluating group claim expression: expression must return a string or a list of "
            "strings",
        ),
        (
            {key: value for key, value in NAMED.items() if key != "sub"},
            "oidc: error evaluating username claim expression: expression ''oidc:' + claims.sub' resulted in "
            "error: no such key: sub",
        ),
    ],
)
def test_who_claims_stand_for_by_expressions(claims: dict[str, Any], expected: UserInfo | str) -> None:
    try:
        found: UserInfo | str = user_of(claims, BY_RULES)
    except InvalidToken as error:
        found = str(error)
    assert found == expected


async def test_other_issuers_may_be_trusted_from_now_on() -> None:
    provider = Provider(old=OLD_KEY)
    authenticator = Authenticator(issuers=[provider.authenticator()], audiences=("api",))
    scope = {"path": "/", "headers": []}
    known = await authenticator.authenticate(f"Bearer {sign()}", scope)
    assert known is not None
    assert known.name == "oidc:jane"
    authenticator.trust([])
    assert await authenticator.authenticate(f"Bearer {sign()}", scope) is None


async def test_a_token_goes_to_the_issuer_it_names() -> None:
    provider = Provider(old=OLD_KEY)
    authenticator = Authenticator(issuers=[provider.authenticator()], audiences=("api",))
    user, audiences = await authenticator.review(sign())
    assert (user.name, audiences) == ("oidc:jane", ("api",))
    with pytest.raises(InvalidToken, match=r"^invalid bearer token$"):
        await authenticator.review(sign(iss="https://other.example.com"))


@pytest.mark.parametrize("keys", ["abc", [1], [{"kty": "RSA", "n": "!", "e": "AQAB"}]])
def test_published_keys_that_are_none_are_an_error(keys: Any) -> None:
    with pytest.raises(FetchError, match="failed to decode keys"):
        keys_of({"keys": keys})
