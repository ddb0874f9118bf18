"""What happens in the registry arrives on the bus, each thing under one id, whatever becomes of the bus meanwhile:

told.py REGISTRY CONTROL DYNAMODB TABLE LOGS

The functions stand behind the front door at REGISTRY and CONTROL (host:port each), with the front door's own bus; LOGS
is the folder of their logs. Each step is waited for, so that the times of the machine decide nothing.
"""

import collections
import hashlib
import json
import pathlib
import sys
import time

sys.dont_write_bytecode = True
sys.path.append(str(pathlib.Path(__file__).parent))
from stream import Stream, ask  # noqa: E402

# Seconds for one step.
WAIT_MAX = 60
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest_of(octets):
    return "sha256:" + hashlib.sha256(octets).hexdigest()


class Repository:
    def __init__(self, registry, name):
        self.name, self.base = name, f"http://{registry}/v2/{name}"

    def push(self, content, *tags, annotations=None, config=None, artifact_type=None):
        """An image of one layer with this content, under each of these tags; its digest."""
        described = []
        for media_type, blob in [
            ("application/vnd.oci.image.config.v1+json", json.dumps(config or {"of": content}).encode()),
            ("application/vnd.oci.image.layer.v1.tar", content.encode()),
        ]:
            octets = {"Content-Type": "application/octet-stream"}
            ask("POST", f"{self.base}/blobs/uploads/?digest={digest_of(blob)}", blob, octets)
            described.append({"mediaType": media_type, "digest": digest_of(blob), "size": len(blob)})
        document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described[0], "layers": described[1:]}
        if artifact_type:
            document["artifactType"] = artifact_type
        if annotations:
            document["annotations"] = annotations
        body = json.dumps(document).encode()
        for tag in tags:
            ask("PUT", f"{self.base}/manifests/{tag}", body, {"Content-Type": MANIFEST})
        return digest_of(body)

    def delete(self, reference):
        ask("DELETE", f"{self.base}/manifests/{reference}")

    def restore(self, digest):
        ask("POST", f"{self.base}/_moorage/recycle-bin/{digest}")


class Bus:
    def __init__(self, control, logs):
        self.control, self.logs = control, pathlib.Path(logs)

    def behaves(self, how):
        ask("POST", f"http://{self.control}/bus", json.dumps(how).encode())

    def schedule(self):
        ask("POST", f"http://{self.control}/events/schedule", b"{}")

    def state(self):
        return json.loads(ask("GET", f"http://{self.control}/state")[2])

    def events(self):
        """All that it took, as CloudEvents; of each entry it is looked at what a rule of EventBridge would see."""
        events = []
        for entry in json.loads(ask("GET", f"http://{self.control}/bus")[2]):
            event = json.loads(entry["Detail"])
            assert entry["DetailType"] == event["type"], entry
            assert entry["Source"] == event["source"] == "the-registry", entry
            assert entry["EventBusName"] == "the-bus", entry
            events.append(event)
        return events

    def lines(self):
        """What each call of `collect` said so far."""
        log = (self.logs / "Collect.log").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in log if '"operation":"collect"' in line and line.endswith("}")]

    def left(self):
        """How many events were not taken so far."""
        return sum(line["events_left"] for line in self.lines())

    def looks(self):
        return len(self.lines())


def until(what, holds):
    deadline = time.monotonic() + WAIT_MAX
    while not holds():
        if time.monotonic() > deadline:
            sys.exit(f"it never came so far: {what}")
        time.sleep(0.05)


def main(registry, control, dynamodb, table, logs):
    bus, repository = Bus(control, logs), Repository(registry, "told/app")
    expected = collections.Counter()

    def told(digest, *happened):
        for one in happened:
            expected[(one, digest)] += 1

    def is_told():
        """Everything that was expected is there, each under an id of its own; and nothing else."""
        by_id = {event["id"]: (event["type"].removeprefix("dev.moorage."), event["subject"]) for event in bus.events()}
        return collections.Counter(by_id.values()) == expected

    def is_quiet():
        return bus.state()["events"]["pending"] == 0

    def name(digest):
        return f"{repository.name}@{digest}"

    def tag(tag):
        return f"{repository.name}:{tag}"

    stream = Stream(dynamodb, table, control)
    stream.thread.start()
    try:
        # Once more is another push of the tag, and none of the manifest.
        first = repository.push("first", "v1", "v2", "v1")
        told(name(first), "artifact.pushed")
        told(tag("v1"), "tag.pointed")
        told(tag("v2"), "tag.pointed")
        until("a push of two tags", is_told)
        repository.delete("v2")
        told(tag("v2"), "tag.deleted")
        repository.delete(first)
        told(name(first), "artifact.deleted")
        told(tag("v1"), "tag.deleted")
        until("a tag and its manifest were deleted", is_told)
        repository.restore(first)
        told(name(first), "artifact.restored")
        told(tag("v1"), "tag.pointed")
        until("a restore", is_told)
        print(f"told as it happens: {sum(expected.values())} events")

        # None of what happens while the bus is down is lost, and pushes don't notice.
        bus.behaves("is down")
        before = len(bus.events())
        left = bus.left()
        second = repository.push("second", "v3")
        repository.delete(second)
        happened = {name(second): ["artifact.pushed", "artifact.deleted"], tag("v3"): ["tag.pointed", "tag.deleted"]}
        until("they were left", lambda: bus.left() - left >= 4)
        bus.schedule()
        until("the schedule was in vain", lambda: bus.left() - left >= 5)
        assert len(bus.events()) == before, "the bus took something while it was down"
        bus.behaves("works")
        bus.schedule()
        for subject, all_of_it in happened.items():
            told(subject, *all_of_it)
        until("the schedule told what was left", is_told)

        # What was taken although nobody said so is told again, as itself.
        bus.behaves("loses its answer")
        left = bus.left()
        third = repository.push("third", "v4")
        told(name(third), "artifact.pushed")
        told(tag("v4"), "tag.pointed")
        until("it is not known whether they were taken", lambda: bus.left() - left >= 2)
        until("they were, in fact", is_told)
        until("nothing is pending", is_quiet)
        before = len(bus.events())
        bus.behaves("works")
        bus.schedule()
        until("they were told again", lambda: len(bus.events()) >= before + 2)
        assert is_told(), "a thing was told under two ids"

        # Some are taken, and some not, until all are.
        bus.behaves("refuses some")
        for number in range(8):
            digest = repository.push(f"one of several: {number}", f"n{number}")
            told(name(digest), "artifact.pushed")
            told(tag(f"n{number}"), "tag.pointed")
        deadline = time.monotonic() + WAIT_MAX
        while not is_told() and time.monotonic() < deadline:
            bus.schedule()
            time.sleep(0.5)
        assert is_told(), "some were refused for good"
        bus.behaves("works")

        # And then it is quiet: nothing waits, nothing is told again.
        until("nothing is pending", is_quiet)
        before, looks = len(bus.events()), bus.looks()
        for _ in range(2):
            bus.schedule()
        until("the schedule looked", lambda: bus.looks() >= looks + 2)
        assert len(bus.events()) == before, "something was told again that was told"
    finally:
        stream.stopped.set()
        stream.thread.join()
    if stream.failure:
        raise stream.failure
    state = bus.state()
    assert state["events"]["failed"] == 0, state["events"]
    assert state["events"]["duplicates"] > 0, "no record came twice"
    print(f"told in the end: {len(bus.events())} entries, {sum(expected.values())} events; bus: {state['bus']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
