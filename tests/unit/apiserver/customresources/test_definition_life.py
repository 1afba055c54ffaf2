"""What becomes of definitions: how they end, whose name it is, and when they are not served."""

from __future__ import annotations

import orjson

from apimachinery.conditions import condition_of
from apimachinery.objects import Object
from apimachinery.scheme import CUSTOM_RESOURCE_DEFINITIONS
from tests.fakes.api import Api, Watching
from tests.unit.apiserver.customresources.builders import DEFINITIONS, THINGS, definition, obj, thing, version
from tests.unit.apiserver.customresources.serving import MERGE, TEXT, create, define, gone, until


async def test_deleting_a_definition_takes_its_instances_with_it(api: Api) -> None:
    await define(api, definition())
    await create(api, thing("a"))
    await create(api, thing("b"))
    deleted = await api.request("DELETE", f"{DEFINITIONS}/things.example.com")
    await gone(api)
    assert deleted.json["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert (await api.request("GET", THINGS)).status == 404
    await define(api, definition())
    assert (await api.request("GET", THINGS)).json["items"] == []


async def test_a_definition_waits_for_the_finalizers_of_its_instances(api: Api) -> None:
    await define(api, definition())
    held = thing()
    held["metadata"]["finalizers"] = ["example.com/wait"]
    await create(api, held)
    await api.request("DELETE", f"{DEFINITIONS}/things.example.com")
    await until(api, THINGS, lambda event: event["object"]["metadata"].get("deletionTimestamp"))
    refused = await create(api, thing("b"))
    await api.request("PATCH", f"{THINGS}/a", {"metadata": {"finalizers": None}}, MERGE)
    await gone(api)
    assert refused.status == 405


async def test_what_came_after_a_deleted_definition_stays(api: Api) -> None:
    """Two apiservers end a definition; the slower one may learn of it with all that has happened since."""
    await define(api, definition())
    definitions = api.cache.resource(CUSTOM_RESOURCE_DEFINITIONS)
    [defined] = definitions.entries()
    held = thing()
    held["metadata"]["finalizers"] = ["example.com/wait"]
    await create(api, held)
    await api.request("DELETE", f"{DEFINITIONS}/things.example.com")
    await until(api, THINGS, lambda event: event["object"]["metadata"].get("deletionTimestamp"))
    [ending] = definitions.entries()
    instance = await api.storage.get("/registry/example.com/things/default/a")
    assert instance is not None
    # What the faster one does, and then somebody who defines the same once more.
    await api.storage.delete(instance.key, instance.revision)
    await api.storage.delete(ending.key, ending.revision)
    await api.storage.create(ending.key, orjson.dumps(with_uid(defined.obj, "later")))
    await api.storage.create(instance.key, orjson.dumps(with_uid(thing(), "later")))
    other = definition(group="example.org")
    other["metadata"]["name"] = "things.example.org"
    await define(api, other)
    assert (await api.request("GET", f"{THINGS}/a")).json["metadata"]["uid"] == "later"


def with_uid(obj: Object, uid: str) -> Object:
    return obj | {"metadata": obj["metadata"] | {"uid": uid}}


async def test_what_another_hand_defined_badly_is_not_served(api: Api) -> None:
    await define(api, definition(version(spec=obj(a=TEXT))))
    entry = api.cache.resource(api.stores["apiextensions.k8s.io", "v1", "customresourcedefinitions"].resource)
    [found] = entry.entries()
    bad = found.value.replace(b'{"type":"string"}', b'{"type":"string","pattern":"("}')
    await api.storage.update(found.key, bad, found.revision)
    await api.cache.fresh()
    assert (await api.request("GET", THINGS)).status == 404
    assert (await api.request("GET", DEFINITIONS)).status == 200


async def test_a_definition_is_served_whatever_somebody_writes_into_its_status(api: Api) -> None:
    await define(api, definition())
    path = f"{DEFINITIONS}/things.example.com/status"
    for value in ([{"message": "patched"}], [{"type": "Established", "status": "True"}]):
        written = [
            {"op": "replace", "path": "/status", "value": {"conditions": value, "storedVersions": ["v1"]}}
        ]
        json_patch = {"content-type": "application/json-patch+json"}
        assert (await api.request("PATCH", path, written, json_patch)).status == 200
        await until(api, DEFINITIONS, lambda event: condition_of(event["object"], "NamesAccepted"))
        assert (await api.request("GET", THINGS)).status == 200


async def test_who_waits_for_a_name_gets_it_when_it_is_given_up(api: Api) -> None:
    await define(api, definition())
    rival = definition(
        names={"plural": "others", "singular": "thing", "kind": "Other", "listKind": "OtherList"}
    )
    await api.request("POST", DEFINITIONS, rival | {"metadata": {"name": "others.example.com"}})
    waiting = f"{DEFINITIONS}?watch=1&fieldSelector=metadata.name%3Dothers.example.com"
    async with api.watch(waiting) as watching:
        refused = await reason_of(watching, "NamesAccepted")
        await api.request("DELETE", f"{DEFINITIONS}/things.example.com")
        given = await reason_of(watching, "NamesAccepted", unlike=refused)
    assert (refused, given) == ("SingularConflict", "NoConflicts")


async def reason_of(watching: Watching, kind: str, unlike: str = "") -> str:
    """The reason of a condition, as soon as it is another one."""
    while True:
        [event] = await watching.take(1)
        found = condition_of(event["object"], kind)
        if found is not None and found["reason"] != unlike:
            return str(found["reason"])
