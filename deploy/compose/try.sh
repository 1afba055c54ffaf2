#!/bin/sh
# What to try in a demo, chapter by chapter. Run it in the demo's folder, after `docker-compose up -d --build`.
# Usage: ./try.sh [CHAPTER...]      all of them, in this order, if none is named:
#   application  a guestbook in three copies in front of a database with a volume
#   rollout      a new version, while somebody visits; no visit may fail
#   volume       the database's pod is deleted; what it kept is there again
#   loss         a machine loses its power; its copies are started elsewhere
#   survival     (ha only) a member of etcd, an apiserver and both leaders are killed; writes go on
# Options are environment variables, see .env; KUBECTL is the command that talks to the cluster.
set -eu
cd "$(dirname "$0")"
top=../../..
# As for docker-compose, what the environment says goes before .env.
while IFS='=' read -r name value; do
    case $name in [A-Z]*) eval "export $name=\${$name:-\$value}" ;; esac
done <.env

chapters="application rollout volume loss"
apiserver=apiserver
case $(docker-compose ps --services) in
*haproxy*)
    chapters="$chapters survival"
    apiserver=apiserver2
    ;;
esac

scratch=$(mktemp -d)
visitor=
trap 'stop_visiting; rm -rf "$scratch"' EXIT

if [ -z "${KUBECTL:-}" ]; then
    KUBECTL=$(command -v kubectl || echo "$top/.venv/bin/sampan")
fi
kube() { "$KUBECTL" --kubeconfig="$scratch/kubeconfig" "$@"; }
chapter() { printf '\n== %s\n' "$*"; }
shown() { printf '$ kubectl %s\n' "$*"; kube "$@"; }
seconds_since() { echo $(($(date +%s) - $1)); }
fail() { echo "error: $*" >&2; exit 1; }

visit() { curl --silent --fail --max-time 10 "http://127.0.0.1:$NODE_PORT/"; }

# Waits at most $1 seconds until the rest of the line, a command, succeeds.
wait_for() {
    deadline=$(($(date +%s) + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$deadline" ] || fail "in vain: $*"
        sleep 0.2
    done
}

# One visit after the other in the background: a line each, with its time, in $scratch/visits.
start_visiting() {
    : >"$scratch/visits"
    while :; do
        if visit >/dev/null; then echo ok; else echo failed; fi >>"$scratch/visits"
        sleep 0.05
    done &
    visitor=$!
}
stop_visiting() {
    [ -z "$visitor" ] || kill "$visitor" 2>/dev/null || true
    visitor=
}
visits() { grep -c "$1" "$scratch/visits" || true; }

count() { visit | sed 's/.*visit //'; }
ready_copies() { kube get deployment guestbook -o "jsonpath={.status.readyReplicas}"; }
machine_of() { kube get pod "$1" -o "jsonpath={.spec.nodeName}"; }
condition() { kube get node "$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'; }

application() {
    chapter "An application in front of a database"
    "$top/deploy/examples/guestbook/push.sh" "localhost:$REGISTRY_PORT"
    shown apply -f "$top/deploy/examples/guestbook/guestbook.yaml"
    shown rollout status statefulset/guestbook-db --timeout=300s
    shown rollout status deployment/guestbook --timeout=300s
    shown get pods,services,persistentvolumeclaims -o wide
    wait_for 120 visit
    for _ in 1 2 3; do visit; done
}

rollout() {
    chapter "A new version under load"
    case $(kube get deployment guestbook -o "jsonpath={.spec.template.spec.containers[0].image}") in
    *:one) next=two ;;
    *) next=one ;;
    esac
    start_visiting
    shown set image deployment/guestbook "web=registry:5000/guestbook-web:$next"
    shown rollout status deployment/guestbook --timeout=300s
    stop_visiting
    echo "$(visits ok) visits answered meanwhile, $(visits failed) failed"
    [ "$(visits failed)" = 0 ] || fail "visits failed during the rollout"
    visit
    shown rollout history deployment/guestbook
}

volume() {
    chapter "What a pod leaves behind"
    before=$(count)
    shown delete pod guestbook-db-0
    shown rollout status statefulset/guestbook-db --timeout=300s
    wait_for 120 visit
    after=$(count)
    echo "visits before: $before, after: $after"
    [ "$after" -gt "$before" ] || fail "the database has forgotten"
}

loss() {
    chapter "A machine loses its power"
    # Neither the one whose port is published nor the one that has the database's volume.
    for lost in node2 node3; do
        [ "$(machine_of guestbook-db-0)" = "$lost" ] || break
    done
    start_visiting
    began=$(date +%s)
    echo "\$ docker-compose kill $lost"
    docker-compose kill "$lost" 2>/dev/null
    wait_for 300 is_condition "$lost" Unknown
    echo "after $(seconds_since "$began") s: $lost is NotReady"
    wait_for 300 stand_without "$lost"
    echo "after $(seconds_since "$began") s: three copies on the others"
    stop_visiting
    echo "$(visits ok) visits answered meanwhile, $(visits failed) failed"
    shown get pods -o wide
    docker-compose start "$lost" 2>/dev/null
    wait_for 300 is_condition "$lost" True
    shown get nodes
}
is_condition() { [ "$(condition "$1")" = "$2" ]; }
stand_without() {
    [ "$(ready_copies)" = 3 ] &&
        ! kube get pods -l app=guestbook --field-selector "spec.nodeName=$1" --no-headers 2>/dev/null |
        grep -v Terminating | grep -q .
}

survival() {
    chapter "Half of the control plane is killed"
    doomed="etcd1 apiserver1"
    for daemon in scheduler controller-manager; do
        holder=$(kube get lease "kube-$daemon" -n kube-system -o "jsonpath={.spec.holderIdentity}")
        for number in 1 2; do
            container=$(docker-compose ps -q "$daemon$number" | cut -c1-12)
            case $holder in "$container"_*) doomed="$doomed $daemon$number" ;; esac
        done
    done
    echo "\$ docker-compose kill $doomed"
    began=$(date +%s)
    # shellcheck disable=SC2086  # a list of words
    docker-compose kill $doomed 2>/dev/null
    wait_for 300 kube scale deployment guestbook --replicas=5
    wait_for 300 has_copies 5
    echo "after $(seconds_since "$began") s: scaled to five copies"
    shown get pods -l app=guestbook
    # shellcheck disable=SC2086
    docker-compose start $doomed 2>/dev/null
    wait_for 300 kube scale deployment guestbook --replicas=3
    wait_for 300 has_copies 3
}
has_copies() { [ "$(ready_copies)" = "$1" ]; }

docker-compose exec -T "$apiserver" cat /var/lib/sampan/admin.conf |
    sed "s#server: .*#server: https://127.0.0.1:$SAMPAN_PORT#" >"$scratch/kubeconfig"
if [ $# = 0 ]; then
    # shellcheck disable=SC2086
    set -- $chapters
fi
wait_for 600 kube wait --for=condition=Ready node --all --timeout=1s
shown get nodes -o wide
for name; do
    case " $chapters " in *" $name "*) "$name" ;; *) fail "no chapter $name here, there are: $chapters" ;; esac
done
