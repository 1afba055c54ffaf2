"""The flags that every verb has. Source: k8s.io/cli-runtime/pkg/genericclioptions/config_flags.go."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from kubectl.arguments import Flag


class Globals(NamedTuple):
    """Which server, as whom, where; empty means as the kubeconfig says."""

    kubeconfig: Annotated[str, Flag("--kubeconfig", help="The kubeconfig file to use.")] = ""
    context: Annotated[str, Flag("--context", help="The kubeconfig's context to use.")] = ""
    cluster: Annotated[str, Flag("--cluster", help="The kubeconfig's cluster to use.")] = ""
    user: Annotated[str, Flag("--user", help="The kubeconfig's user to use.")] = ""
    namespace: Annotated[str, Flag("--namespace", "-n", help="The namespace of this command.")] = ""
    server: Annotated[str, Flag("--server", "-s", help="Address and port of the API server.")] = ""
    token: Annotated[str, Flag("--token", help="Bearer token for the API server.")] = ""
    username: Annotated[str, Flag("--username", help="Name for basic authentication.")] = ""
    password: Annotated[str, Flag("--password", help="Password for basic authentication.")] = ""
    impersonate: Annotated[str, Flag("--as", help="The user to act as.")] = ""
    impersonate_groups: Annotated[
        list[str] | None, Flag("--as-group", help="A group to act as; may be repeated.")
    ] = None
    impersonate_uid: Annotated[str, Flag("--as-uid", help="The UID to act as.")] = ""
    certificate_authority: Annotated[
        str, Flag("--certificate-authority", help="File with the certificate of the server's authority.")
    ] = ""
    client_certificate: Annotated[str, Flag("--client-certificate", help="File with our certificate.")] = ""
    client_key: Annotated[str, Flag("--client-key", help="File with the key of our certificate.")] = ""
    tls_server_name: Annotated[
        str, Flag("--tls-server-name", help="The name to expect in the server's certificate.")
    ] = ""
    insecure: Annotated[
        bool, Flag("--insecure-skip-tls-verify", help="Believe any certificate of the server.")
    ] = False
    request_timeout: Annotated[
        str, Flag("--request-timeout", help="How long one request may take (1s, 2m, 3h); 0: for ever.")
    ] = "0"
    cache_dir: Annotated[str, Flag("--cache-dir", help="Accepted for kubectl's sake: nothing is kept.")] = ""
    match_server_version: Annotated[
        bool, Flag("--match-server-version", help="Fail where the server has not our version of the API.")
    ] = False
    disable_compression: Annotated[
        bool, Flag("--disable-compression", help="Accepted: nothing is compressed.")
    ] = False
    warnings_as_errors: Annotated[
        bool, Flag("--warnings-as-errors", help="Fail after a warning of the server.")
    ] = False
    verbosity: Annotated[int, Flag("--v", "-v", help="How much to tell of what is asked of the server.")] = 0
