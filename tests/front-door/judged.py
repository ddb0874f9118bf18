"""EventBridge by somebody else (moto) takes the events, archives them, and its rules find what they ask for:

judged.py start MOTO
judged.py look MOTO REGISTRY CONTROL DYNAMODB TABLE

`start` makes a bus with an archive and a rule, before the functions run; `look` pushes and deletes, and looks what
came. Runs with the Python that moto runs on, which has boto3.
"""

import json
import os
import pathlib
import sys

import boto3

sys.dont_write_bytecode = True
sys.path.append(str(pathlib.Path(__file__).parent))
from stream import Stream, ask  # noqa: E402
from told import Repository, until  # noqa: E402

BUS, GROUP = "the-bus", "/found/by/a/rule"
IMAGES = 12


def clients(moto):
    """Of the region that the functions have, and with their keys."""
    return [boto3.client(name, endpoint_url=moto, region_name=os.environ["AWS_REGION"]) for name in ("events", "logs")]


def start(moto):
    events, logs = clients(moto)
    bus = events.create_event_bus(Name=BUS)["EventBusArn"]
    events.create_archive(ArchiveName="all", EventSourceArn=bus)
    logs.create_log_group(logGroupName=GROUP)
    pattern = {
        "source": ["the-registry"],
        "detail-type": ["dev.moorage.artifact.pushed"],
        "detail": {"data": {"repository": [{"prefix": "judged/"}], "mediaType": [{"exists": True}]}},
    }
    events.put_rule(Name="pushed", EventBusName=BUS, EventPattern=json.dumps(pattern))
    group = logs.describe_log_groups()["logGroups"][0]["arn"].removesuffix(":*")
    events.put_targets(Rule="pushed", EventBusName=BUS, Targets=[{"Id": "1", "Arn": group}])


def look(moto, registry, control, dynamodb, table):
    events, logs = clients(moto)
    repository = Repository(registry, "judged/app")
    stream = Stream(dynamodb, table, control)
    stream.thread.start()
    try:
        pushed = {repository.push(f"image {number}", f"v{number}") for number in range(IMAGES)}
        for digest in pushed:
            repository.delete(digest)
        # Pushed, tagged, untagged, deleted.
        archived = lambda: events.describe_archive(ArchiveName="all")["EventCount"]
        until("the archive has them all", lambda: archived() >= 4 * IMAGES)
        until("nothing is pending", lambda: json.loads(ask("GET", f"http://{control}/state")[2])["events"]["pending"] == 0)
    finally:
        stream.stopped.set()
        stream.thread.join()
    if stream.failure:
        raise stream.failure
    assert archived() == 4 * IMAGES, archived()
    found = [json.loads(one["message"]) for one in logs.filter_log_events(logGroupName=GROUP)["events"]]
    assert {one["detail"]["data"]["digest"] for one in found} == pushed, found
    assert len(found) == IMAGES, len(found)
    assert all(one["detail"]["specversion"] == "1.0" and one["time"] for one in found), found[0]
    print(f"moto archived {archived()} events, and its rule found the {len(found)} pushes")


if __name__ == "__main__":
    {"start": start, "look": look}[sys.argv[1]](*sys.argv[2:])
