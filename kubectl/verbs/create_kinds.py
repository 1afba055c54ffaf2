"""The kinds that `create` makes out of flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from apimachinery.objects import Object
from kubectl import session
from kubectl.arguments import Command, Flag, Words
from kubectl.creating import Creation, Wording, create
from kubectl.failures import CommandError
from kubectl.generators import network, objects, workloads
from kubectl.resources import Mapper

if TYPE_CHECKING:
    from client.rest import Client

Name = Annotated[str, Words("NAME")]
Literals = Annotated[list[str] | None, Flag("--from-literal", help="A key and its value: key=value.")]
Files = Annotated[list[str] | None, Flag("--from-file", help="A file or folder: [key=]path.")]
EnvFiles = Annotated[list[str] | None, Flag("--from-env-file", help="A file of lines key=value.")]
Tcp = Annotated[list[str] | None, Flag("--tcp", commas=True, help="port[:targetPort]")]
AppendHash = Annotated[bool, Flag("--append-hash", help="End the name with a hash of the content.")]
Behind = Annotated[list[str] | None, Command()]


def _make(obj: Object, creation: Creation, failure: str = "") -> None:
    create(obj, creation, Wording(failure=failure))


def _hashed(obj: Object, append_hash: bool) -> Object:
    """With the hash of its content after its name, if that is asked for."""
    if not append_hash:
        return obj
    from kubectl.kustomize.generators import name_hash

    name = obj["metadata"]["name"]
    metadata = {**obj["metadata"], "name": f"{name}-{name_hash(obj, name=name)}"}
    return {**obj, "metadata": metadata}


def namespace_(name: Name, creation: Creation) -> None:
    """Create a namespace with the specified name."""
    _make(objects.namespace(name), creation)


def service_account(name: Name, creation: Creation) -> None:
    """Create a service account with the specified name."""
    _make(objects.service_account(name), creation, "failed to create serviceaccount")


def config_map(
    name: Name,
    creation: Creation,
    from_literal: Literals = None,
    from_file: Files = None,
    from_env_file: EnvFiles = None,
    append_hash: AppendHash = False,
) -> None:
    """Create a config map from a local file, directory or literal value."""
    pairs = objects.read_pairs(from_literal or (), from_file or (), from_env_file or ())
    _make(_hashed(objects.config_map(name, pairs), append_hash), creation, "failed to create configmap")


def generic_secret(
    name: Name,
    creation: Creation,
    from_literal: Literals = None,
    from_file: Files = None,
    from_env_file: EnvFiles = None,
    kind: Annotated[str, Flag("--type", help="The type of the Secret.")] = "",
    append_hash: AppendHash = False,
) -> None:
    """Create a secret from a local file, directory or literal value."""
    pairs = objects.read_pairs(from_literal or (), from_file or (), from_env_file or ())
    _make(_hashed(objects.secret(name, pairs, kind), append_hash), creation, "failed to create secret")


def tls_secret(
    name: Name,
    creation: Creation,
    cert: Annotated[str, Flag("--cert", help="File of the certificate.")] = "",
    key: Annotated[str, Flag("--key", help="File of its key.")] = "",
    append_hash: AppendHash = False,
) -> None:
    """Create a TLS secret from a certificate and its key."""
    _make(_hashed(objects.tls_secret(name, cert, key), append_hash), creation, "failed to create secret")


def registry_secret(
    name: Name,
    creation: Creation,
    server: Annotated[
        str, Flag("--docker-server", help="Where the registry is.")
    ] = "https://index.docker.io/v1/",
    user: Annotated[str, Flag("--docker-username", help="Who to be there.")] = "",
    password: Annotated[str, Flag("--docker-password", help="With this password.")] = "",
    email: Annotated[str, Flag("--docker-email", help="The address that it knows.")] = "",
    from_file: Annotated[
        list[str] | None, Flag("--from-file", help="A file of Docker's configuration: [key=]path.")
    ] = None,
    append_hash: AppendHash = False,
) -> None:
    """Create a secret for use with a registry of images."""
    if not from_file and not (user and password and server):
        raise CommandError(
            "either --from-file or the combination of --docker-username, --docker-password and "
            "--docker-server is required"
        )
    if from_file:
        obj = objects.secret(name, objects.read_pairs((), from_file, ()), objects.REGISTRY_SECRET)
    else:
        obj = objects.registry_secret(name, server, user, password, email)
    _make(_hashed(obj, append_hash), creation, "failed to create secret")


def deployment(
    name: Name,
    creation: Creation,
    command: Behind = None,
    image: Annotated[list[str] | None, Flag("--image", help="The image to run.")] = None,
    replicas: Annotated[int, Flag("--replicas", "-r", help="How many pods.")] = 1,
    port: Annotated[int, Flag("--port", help="The port that the container exposes.")] = 0,
) -> None:
    """Create a deployment with the specified name."""
    if not image:
        raise CommandError('required flag(s) "image" not set')
    obj = workloads.deployment(name, image, replicas=replicas, port=port, command=command or ())
    _make(obj, creation, "failed to create deployment")


def job(
    name: Name,
    creation: Creation,
    command: Behind = None,
    image: Annotated[str, Flag("--image", help="The image to run.")] = "",
    source: Annotated[str, Flag("--from", help="cronjob/NAME")] = "",
) -> None:
    """Create a job with the specified name."""
    if bool(image) == bool(source):
        raise CommandError("either --image or --from must be specified")
    if image:
        _make(workloads.job(name, image, command or ()), creation, "failed to create job")
        return
    cron_job = session.run(lambda client, namespace: _fetch(client, namespace, source))
    _make(workloads.job_from_cron_job(name, cron_job), creation, "failed to create job")


async def _fetch(client: Client, namespace: str, word: str) -> Object:
    (target,) = await Mapper(client).targets([word])
    found = await client.get(target.resource, target.name, namespace)
    return {"apiVersion": target.resource.api_version, "kind": target.resource.kind, **found}


def cron_job(
    name: Name,
    creation: Creation,
    command: Behind = None,
    image: Annotated[str, Flag("--image", help="The image to run.")] = "",
    schedule: Annotated[str, Flag("--schedule", help="When, as cron has it: */5 * * * *.")] = "",
    restart: Annotated[str, Flag("--restart", help="OnFailure or Never.")] = "",
) -> None:
    """Create a cron job with the specified name."""
    obj = workloads.cron_job(name, image, schedule, restart, command or ())
    _make(obj, creation, "failed to create cronjob")


def ingress(
    name: Name,
    creation: Creation,
    rule: Annotated[list[str] | None, Flag("--rule", help="host/path=service:port[,tls[=secret]]")] = None,
    class_name: Annotated[str, Flag("--class", help="The IngressClass.")] = "",
    default_backend: Annotated[
        str, Flag("--default-backend", help="Where all else goes: service:port.")
    ] = "",
    annotation: Annotated[list[str] | None, Flag("--annotation", help="An annotation: a=b.")] = None,
) -> None:
    """Create an ingress with the specified name."""
    if not rule and not default_backend:
        raise CommandError(
            "not enough information provided: every ingress has to either specify a default-backend "
            "(which catches all traffic) or a list of rules (which catch specific paths)"
        )
    obj = network.ingress(name, rule or (), class_name=class_name, default_backend=default_backend)
    if annotation:
        obj["metadata"]["annotations"] = workloads.pairs(",".join(annotation))
    _make(obj, creation, "failed to create ingress")


def _make_service(name: str, kind: str, word: str, creation: Creation, **fields: Any) -> None:
    if kind != "ExternalName" and not fields.get("tcp") and fields.get("cluster_ip") != "None":
        raise CommandError("at least one tcp port specifier must be provided")
    obj = network.service(name, kind, **{**fields, "tcp": fields.get("tcp") or ()})
    _make(obj, creation, f"failed to create {word} service")


def cluster_ip_service(
    name: Name,
    creation: Creation,
    tcp: Tcp = None,
    cluster_ip: Annotated[str, Flag("--clusterip", help="The address; None makes it headless.")] = "",
) -> None:
    """Create a service with a cluster IP."""
    _make_service(name, "ClusterIP", "ClusterIP", creation, tcp=tcp, cluster_ip=cluster_ip)


def node_port_service(
    name: Name,
    creation: Creation,
    tcp: Tcp = None,
    node_port: Annotated[int, Flag("--node-port", help="The port of every node.")] = 0,
) -> None:
    """Create a service with a node port."""
    _make_service(name, "NodePort", "NodePort", creation, tcp=tcp, node_port=node_port)


def load_balancer_service(name: Name, creation: Creation, tcp: Tcp = None) -> None:
    """Create a service with a load balancer."""
    _make_service(name, "LoadBalancer", "LoadBalancer", creation, tcp=tcp)


def external_name_service(
    name: Name,
    creation: Creation,
    external_name: Annotated[str, Flag("--external-name", help="The name that it stands for.")] = "",
    tcp: Tcp = None,
) -> None:
    """Create a service that is another name."""
    _make_service(name, "ExternalName", "ExternalName", creation, tcp=tcp, external_name=external_name)


def quota(
    name: Name,
    creation: Creation,
    hard: Annotated[str, Flag("--hard", help="resource=quantity,…")] = "",
    scopes: Annotated[str, Flag("--scopes", help="Of which pods: BestEffort,Terminating.")] = "",
) -> None:
    """Create a quota with the specified name and hard limits."""
    _make(objects.resource_quota(name, hard, scopes), creation, "failed to create quota")


def priority_class(
    name: Name,
    creation: Creation,
    value: Annotated[int, Flag("--value", help="The higher, the earlier.")] = 0,
    default: Annotated[bool, Flag("--global-default", help="For pods that name no class.")] = False,
    description: Annotated[str, Flag("--description", help="When to use it.")] = "",
    preemption: Annotated[
        str, Flag("--preemption-policy", help="PreemptLowerPriority or Never.")
    ] = "PreemptLowerPriority",
) -> None:
    """Create a priority class with the specified name."""
    obj = objects.priority_class(name, value, default=default, description=description, preemption=preemption)
    _make(obj, creation, "failed to create priorityclass")


def disruption_budget(
    name: Name,
    creation: Creation,
    selector: Annotated[str, Flag("--selector", help="The pods that it is about.")] = "",
    minimum: Annotated[
        str, Flag("--min-available", help="How many must be there; a number or a share.")
    ] = "",
    maximum: Annotated[
        str, Flag("--max-unavailable", help="How many may be away; a number or a share.")
    ] = "",
) -> None:
    """Create a pod disruption budget with the specified name."""
    obj = objects.disruption_budget(name, selector, minimum, maximum)
    _make(obj, creation, "failed to create poddisruptionbudgets")
