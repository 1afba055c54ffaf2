"""serviceaccounts/token: makes a token for a ServiceAccount, bound to a Pod, Secret or Node if asked.

Source: pkg/registry/core/serviceaccount/storage/token.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from apimachinery.errors import (
    BadRequestError,
    ConflictError,
    InternalError,
    InvalidError,
    NotFoundError,
    PathNotFoundError,
)
from apimachinery.field import ErrorList, Path, invalid
from apimachinery.objects import Object, get_path, uid_of
from apimachinery.scheme import AUTHENTICATION, NODES, PODS, SECRETS, SERVICE_ACCOUNTS, Resource
from apimachinery.times import format_time
from apiserver.admission.attributes import Attributes
from apiserver.admission.chain import Chain
from apiserver.asgi import Receive, Scope, Send
from apiserver.auth.tokens import Bound, TokenIssuer
from apiserver.handlers import bodies
from apiserver.handlers.answers import send_object
from apiserver.negotiation import negotiate
from apiserver.request import RequestInfo
from apiserver.storage.cached import FreshLookup

DEFAULT_SECONDS = 3600
_MIN_SECONDS, _MAX_SECONDS = 600, 1 << 32
_EXTENDED_FROM = 3607
"""What a projected volume asks for by default; such a token really lasts a year, for who never reloads it."""
_EXTENDED_TO = 365 * 24 * 3600
_BINDABLE: dict[tuple[str, str], Resource] = {
    ("v1", "Pod"): PODS, ("v1", "Secret"): SECRETS, ("v1", "Node"): NODES,
}  # fmt: skip
_KIND = f"TokenRequest.{AUTHENTICATION}"
_EXPECTED = bodies.Expected(f"{AUTHENTICATION}/v1", "TokenRequest")


@dataclass(frozen=True)
class TokenRequests:
    """The handler. Without a signing key there is no such path."""

    issuer: TokenIssuer | None
    audiences: tuple[str, ...]
    lookup: FreshLookup
    chain: Chain
    now: Callable[[], datetime]
    extend: bool = True
    max_seconds: int = 0

    async def __call__(self, info: RequestInfo, scope: Scope, receive: Receive, send: Send) -> None:
        if self.issuer is None:
            raise PathNotFoundError
        info.wanted = negotiate(info.headers.get("accept", ""), tables=False)
        request = await self._read(info, receive)
        attributes = Attributes(
            "CREATE", SERVICE_ACCOUNTS, "token", info.namespace, info.name, request, None, info.user,
            warnings=info.warnings, annotations=info.annotations,
        )  # fmt: skip
        await self.chain.admit(attributes)
        account = await self._account(info, request)
        self._complete(info, request, account)
        if errors := validate(request["spec"]):
            raise InvalidError(_KIND, "", errors)
        await self.chain.validate(attributes)
        bound = await self._bound(info.namespace, account, request["spec"].get("boundObjectRef"))
        self._shorten(info, request["spec"])
        await send_object(
            info, send, self._answer(request, account, bound), "authentication.TokenRequest", 201
        )

    async def _read(self, info: RequestInfo, receive: Receive) -> Object:
        body = await bodies.read(info, receive)
        request = await bodies.decode(info, body or b"{}", _EXPECTED, "Ignore")
        request.setdefault("spec", {})
        return request

    async def _account(self, info: RequestInfo, request: Object) -> Object:
        """The account that the URL names. Raises NotFoundError.

        InvalidError and ConflictError if the body names another.
        """
        for key, wanted in (("name", info.name), ("namespace", info.namespace)):
            said = request["metadata"].get(key) or wanted
            if said != wanted:
                text = f"must match the service account {key} if specified"
                raise InvalidError(_KIND, info.name, [invalid(Path("metadata", key), said, text)])
        account = await self.lookup(SERVICE_ACCOUNTS, info.namespace, info.name)
        if account is None:
            raise NotFoundError(SERVICE_ACCOUNTS, info.name)
        said, uid = request["metadata"].get("uid"), uid_of(account)
        if said and said != uid:
            text = (
                f"the UID in the token request ({said}) does not match the UID of the service account ({uid})"
            )
            raise ConflictError(_KIND, info.name, text)
        return account

    def _complete(self, info: RequestInfo, request: Object, account: Object) -> None:
        spec, metadata = request["spec"], request["metadata"]
        spec["audiences"] = spec.get("audiences") or list(self.audiences)
        spec.setdefault("expirationSeconds", DEFAULT_SECONDS)
        metadata |= {"name": info.name, "namespace": info.namespace, "uid": uid_of(account)}
        metadata["creationTimestamp"] = format_time(self.now())

    def _shorten(self, info: RequestInfo, spec: Object) -> None:
        wanted, longest = spec["expirationSeconds"], self.max_seconds
        if longest and wanted > longest:
            spec["expirationSeconds"] = longest
            info.warnings.append(f"requested expiration of {wanted} seconds shortened to {longest} seconds")

    async def _bound(self, namespace: str, account: Object, reference: Object | None) -> Bound:
        """What the token is to be bound to. Raises BadRequestError, NotFoundError, ConflictError."""
        if not reference:
            return Bound("")
        kind = (reference.get("apiVersion", ""), reference.get("kind", ""))
        resource = _BINDABLE.get(kind)
        if resource is None:
            group, _, version = kind[0].rpartition("/")
            shown = f"{group}/{version}, Kind={kind[1]}"
            raise BadRequestError(f"cannot bind token to object of type {shown}")
        name = reference.get("name", "")
        found = await self.lookup(resource, namespace if resource.namespaced else "", name)
        if found is None:
            raise NotFoundError(resource, name)
        if resource is PODS and get_path(found, "spec.serviceAccountName") != account["metadata"]["name"]:
            raise BadRequestError(
                f'cannot bind token for serviceaccount "{account["metadata"]["name"]}" to pod running with '
                "different serviceaccount name."
            )
        if reference.get("uid") and reference["uid"] != uid_of(found):
            text = (
                f"the UID in the bound object reference ({reference['uid']}) does not match the UID in "
                "record. The object might have been deleted and then recreated"
            )
            raise ConflictError(resource, name, text)
        return await self._with_node(resource, found)

    async def _with_node(self, resource: Resource, found: Object) -> Bound:
        name, uid = found["metadata"]["name"], uid_of(found)
        node_name = get_path(found, "spec.nodeName", "") if resource is PODS else ""
        node = await self.lookup(NODES, "", node_name) if node_name else None
        return Bound(resource.kind, name, uid, node_name, uid_of(node) if node else "")

    def _answer(self, request: Object, account: Object, bound: Bound) -> Object:
        if self.issuer is None:
            raise InternalError("no signing key")
        spec = request["spec"]
        seconds, warn_after = spec["expirationSeconds"], 0
        expires = self.now() + timedelta(seconds=seconds)
        is_ours = all(audience in self.audiences for audience in spec["audiences"])
        if self.extend and seconds == _EXTENDED_FROM and bound.kind == "Pod" and is_ours:
            seconds, warn_after = _EXTENDED_TO, seconds
        token = self.issuer.issue(account, spec["audiences"], seconds, bound, warn_after)
        return {**request, "status": {"token": token, "expirationTimestamp": format_time(expires)}}


def validate(spec: Object) -> ErrorList:
    """Every error of a request's spec."""
    seconds, place = spec["expirationSeconds"], Path("spec").child("expirationSeconds")
    if seconds < _MIN_SECONDS:
        return [invalid(place, seconds, "may not specify a duration less than 10 minutes")]
    if seconds > _MAX_SECONDS:
        return [invalid(place, seconds, "may not specify a duration larger than 2^32 seconds")]
    return []
