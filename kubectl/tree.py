"""Every verb of `sampan` and where it is. Nothing is imported before it is used."""

from __future__ import annotations

from kubectl.commands import Group

CATEGORIES = {
    "Basic Commands (Beginner):": {
        "create": "kubectl.verbs.create:create",
        "expose": "kubectl.verbs.expose:expose",
        "run": "kubectl.verbs.run:run",
        "set": "kubectl.verbs.set:set_",
    },
    "Basic Commands (Intermediate):": {
        "explain": "kubectl.verbs.explain:explain",
        "get": "kubectl.verbs.get:get",
        "edit": "kubectl.verbs.edit:edit",
        "delete": "kubectl.verbs.delete:delete",
    },
    "Deploy Commands:": {
        "rollout": "kubectl.verbs.rollout:rollout",
        "scale": "kubectl.verbs.scale:scale",
        "autoscale": "kubectl.verbs.autoscale:autoscale",
    },
    "Cluster Management Commands:": {
        "certificate": "kubectl.verbs.certificate:certificate",
        "cluster-info": "kubectl.verbs.cluster_info:cluster_info",
        "top": "kubectl.verbs.top:top",
        "cordon": "kubectl.verbs.cordon:cordon",
        "uncordon": "kubectl.verbs.uncordon:uncordon",
        "drain": "kubectl.verbs.drain:drain",
        "taint": "kubectl.verbs.taint:taint",
    },
    "Troubleshooting and Debugging Commands:": {
        "events": "kubectl.verbs.events:events",
        "describe": "kubectl.verbs.describe:describe",
        "logs": "kubectl.verbs.logs:logs",
        "attach": "kubectl.verbs.attach:attach",
        "exec": "kubectl.verbs.exec:exec_",
        "cp": "kubectl.verbs.cp:cp",
        "port-forward": "kubectl.verbs.port_forward:port_forward",
        "proxy": "kubectl.verbs.proxy:proxy",
        "auth": "kubectl.verbs.auth:auth",
        "debug": "kubectl.verbs.debug:debug",
        "why": "kubectl.verbs.why:why",
        "trace": "kubectl.verbs.trace:trace",
        "doctor": "kubectl.verbs.doctor:doctor",
    },
    "Advanced Commands:": {
        "diff": "kubectl.verbs.diff:diff",
        "apply": "kubectl.verbs.apply:apply",
        "patch": "kubectl.verbs.patch:patch",
        "replace": "kubectl.verbs.replace:replace",
        "wait": "kubectl.verbs.wait:wait",
        "kustomize": "kubectl.verbs.kustomize:kustomize",
    },
    "Settings Commands:": {
        "completion": "kubectl.verbs.completion:completion",
        "label": "kubectl.verbs.label:label",
        "annotate": "kubectl.verbs.annotate:annotate",
    },
    "Other Commands:": {
        "api-resources": "kubectl.verbs.api_resources:api_resources",
        "api-versions": "kubectl.verbs.api_versions:api_versions",
        "config": "kubectl.verbs.config:config",
        "plugin": "kubectl.verbs.plugin:plugin",
        "options": "kubectl.verbs.options:options",
        "version": "kubectl.verbs.version:version",
    },
}

HIDDEN = {"alpha": "kubectl.verbs.alpha:alpha"}
"""Verbs that no list shows."""

CLUSTER_VERBS = ("up", "down", "init", "join", "token", "certs", "reset", "status", "kubeconfig")

ROOT = Group(
    "sampan controls the Kubernetes cluster manager.",
    {name: place for verbs in (*CATEGORIES.values(), HIDDEN) for name, place in verbs.items()},
)
