"""The apiserver's flags about who asks and what they may."""

from __future__ import annotations

from dataclasses import dataclass, fields

from component_base.flags import CommonOptions, duration, flag

MODES = ("AlwaysAllow", "AlwaysDeny", "ABAC", "Webhook", "RBAC", "Node")
_NONE: dict[str, str] = {}
"""What no key=value pairs are."""


@dataclass(frozen=True)
class AuthOptions(CommonOptions):
    client_ca_file: str = flag(
        "",
        "If set, any request presenting a client certificate signed by one of the authorities in this file "
        "is authenticated with an identity corresponding to the CommonName of the certificate.",
    )
    authorization_mode: tuple[str, ...] = flag(
        (),
        "Ordered list of plug-ins to do authorization on secure port. Defaults to AlwaysAllow if "
        f"--authorization-config is not used. Comma-delimited list of: {','.join(MODES)}.",
    )
    authorization_config: str = flag(
        "",
        "File with Authorization Configuration to configure the authorizer chain. This feature is mutually "
        "exclusive with the other --authorization-mode and --authorization-webhook-* flags.",
    )
    authorization_policy_file: str = flag(
        "",
        "File with authorization policy in json line by line format, used with --authorization-mode=ABAC, on "
        "the secure port.",
    )
    authorization_webhook_config_file: str = flag(
        "",
        "File with webhook configuration in kubeconfig format, used with --authorization-mode=Webhook. The "
        "API server will query the remote service to determine access on the API server's secure port.",
    )
    authorization_webhook_version: str = flag(
        "v1beta1",
        "The API version of the authorization.k8s.io SubjectAccessReview to send to and expect from the "
        "webhook.",
    )
    authorization_webhook_cache_authorized_ttl: float = duration(
        300, "The duration to cache 'authorized' responses from the webhook authorizer."
    )
    authorization_webhook_cache_unauthorized_ttl: float = duration(
        30, "The duration to cache 'unauthorized' responses from the webhook authorizer."
    )
    authentication_config: str = flag(
        "",
        "File with an AuthenticationConfiguration: the issuers of JWTs, and where nobody in particular may "
        "ask. Mutually exclusive with the oidc-* flags.",
    )
    anonymous_auth: bool = flag(True, "Enables anonymous requests to the secure port of the API server.")
    token_auth_file: str = flag(
        "", "If set, the file that will be used to secure the secure port via tokens."
    )
    authentication_token_webhook_config_file: str = flag(
        "",
        "File with webhook configuration for token authentication in kubeconfig format. The API server will "
        "query the remote service to determine authentication for bearer tokens.",
    )
    authentication_token_webhook_version: str = flag(
        "v1beta1",
        "The API version of the authentication.k8s.io TokenReview to send to and expect from the webhook.",
    )
    authentication_token_webhook_cache_ttl: float = duration(
        120, "The duration to cache responses from the webhook token authenticator."
    )
    enable_bootstrap_token_auth: bool = flag(
        False,
        "Enable to allow secrets of type 'bootstrap.kubernetes.io/token' in the 'kube-system' namespace to "
        "be used for TLS bootstrapping authentication.",
    )

    requestheader_client_ca_file: str = flag(
        "",
        "Root certificate bundle to use to verify client certificates on incoming requests before trusting "
        "usernames in headers specified by --requestheader-username-headers.",
    )
    requestheader_allowed_names: tuple[str, ...] = flag(
        (),
        "List of client certificate common names to allow to provide usernames in headers. If empty, any "
        "client certificate validated by the authorities in --requestheader-client-ca-file is allowed.",
    )
    requestheader_username_headers: tuple[str, ...] = flag(
        (), "List of request headers to inspect for usernames. X-Remote-User is common."
    )
    requestheader_uid_headers: tuple[str, ...] = flag(
        (), "List of request headers to inspect for UIDs. X-Remote-Uid is suggested."
    )
    requestheader_group_headers: tuple[str, ...] = flag(
        (), "List of request headers to inspect for groups. X-Remote-Group is suggested."
    )
    requestheader_extra_headers_prefix: tuple[str, ...] = flag(
        (), "List of request header prefixes to inspect. X-Remote-Extra- is suggested."
    )

    oidc_issuer_url: str = flag("", "The URL of the OpenID issuer, only HTTPS scheme will be accepted.")
    oidc_client_id: str = flag("", "The client ID for the OpenID Connect client.")
    oidc_ca_file: str = flag(
        "", "The authority that signs the OpenID server's certificate; the host's if empty."
    )
    oidc_username_claim: str = flag("sub", "The OpenID claim to use as the user name.")
    oidc_username_prefix: str = flag(
        "",
        "Put before user names. If empty, claims other than email are prefixed by the issuer's URL; - is no "
        "prefix.",
    )
    oidc_groups_claim: str = flag("", "The claim with the user's groups: a string or a list of them.")
    oidc_groups_prefix: str = flag("", "Put before groups.")
    oidc_required_claim: dict[str, str] = flag(  # noqa: RUF009 (flag makes a field)
        _NONE, "Claims that a token must have, with these values: key=value."
    )
    oidc_signing_algs: tuple[str, ...] = flag(("RS256",), "The signing algorithms that tokens may have.")

    service_account_issuer: tuple[str, ...] = flag(
        ("https://kubernetes.default.svc.cluster.local",),
        "Identifier of the service account token issuer. Tokens are made under the first one and accepted "
        "under all.",
    )
    service_account_jwks_uri: str = flag("", "Overrides the URI of the keys in the discovery document.")
    service_account_key_file: tuple[str, ...] = flag(
        (), "Files with PEM-encoded keys, used to verify ServiceAccount tokens."
    )
    service_account_signing_key_file: str = flag(
        "", "Path to the file that contains the current private key of the service account token issuer."
    )
    service_account_lookup: bool = flag(
        True, "If true, validate ServiceAccount tokens exist in etcd as part of authentication."
    )
    service_account_extend_token_expiration: bool = flag(
        True, "Turns on projected service account expiration extension during token generation."
    )
    service_account_max_token_expiration: float = duration(
        0, "The maximum validity duration of a token created by the service account token issuer."
    )
    api_audiences: tuple[str, ...] = flag(
        (), "Identifiers of the API. Defaults to the issuers of service account tokens."
    )

    @property
    def modes(self) -> tuple[str, ...]:
        """Empty if a file names the authorizers."""
        return self.authorization_mode or (() if self.authorization_config else ("AlwaysAllow",))

    @property
    def serves_anonymous(self) -> bool:
        """As in upstream never where everybody may do everything."""
        return self.anonymous_auth and "AlwaysAllow" not in self.modes

    @property
    def audiences(self) -> tuple[str, ...]:
        return self.api_audiences or self.service_account_issuer


def auth_problem(options: AuthOptions) -> str:
    """What is wrong with the flags together; nothing if they are right."""
    if problem := _mode_problem(options):
        return problem
    if options.service_account_signing_key_file and not options.service_account_issuer:
        return "service-account-issuer is required with --service-account-signing-key-file"
    if bool(options.oidc_issuer_url) != bool(options.oidc_client_id):
        return "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set"
    if options.authentication_config and options.oidc_issuer_url:
        return "authentication-config file and oidc-* flags are mutually exclusive"
    return ""


def _mode_problem(options: AuthOptions) -> str:
    modes, webhook = options.authorization_mode, options.authorization_webhook_config_file
    if options.authorization_config and (modes or _says_something_of_webhooks(options)):
        return (
            "--authorization-config can not be specified when --authorization-mode or "
            "--authorization-webhook-* flags are defined"
        )
    for mode in modes:
        if mode not in MODES:
            return f'authorization-mode "{mode}" is not a valid mode'
    if "ABAC" in modes and not options.authorization_policy_file:
        return "authorization-mode ABAC's authorization policy file not passed"
    if options.authorization_policy_file and "ABAC" not in modes and not options.authorization_config:
        return "cannot specify --authorization-policy-file without mode ABAC"
    if "Webhook" in modes and not webhook:
        return "authorization-mode Webhook's authorization config file not passed"
    if webhook and "Webhook" not in modes:
        return "cannot specify --authorization-webhook-config-file without mode Webhook"
    if len(set(modes)) != len(modes):
        shown = " ".join(f'"{mode}"' for mode in modes)
        return f"authorization-mode [{shown}] has mode specified more than once"
    return ""


def _says_something_of_webhooks(options: AuthOptions) -> bool:
    flags = [each for each in fields(options) if each.name.startswith("authorization_webhook_")]
    return any(getattr(options, each.name) != each.default for each in flags)
