"""What it costs to keep and to collect images, to have them found and told, in dollars per million, from log lines:

collection.py PRICES TEMPLATE REGISTRY CONTROL DYNAMODB TABLE LOGS WHAT

Images are pushed through the front door at REGISTRY and deleted again; meanwhile the records of the table's stream and
the schedule go to CONTROL, as AWS would send them. The functions have a grace of seconds. What lies further ahead is not
waited for, and said: deadlines of what was pending, and objects in the trash.

WHAT names the measurement; with `annotated` in it the images have the annotations that build tools give them, with
`searched` they are searched for too.
"""

import glob
import hashlib
import json
import pathlib
import re
import sys
import time
import urllib.parse

sys.dont_write_bytecode = True
sys.path.append(str(pathlib.Path(__file__).parent.parent / "front-door"))
from stream import Stream, ask  # noqa: E402

IMAGES = 40
LAYERS = 3
SEARCHES = 20
# What build tools say of an image (docker's metadata action; values as long as theirs).
ANNOTATIONS = {
    "org.opencontainers.image.created": "2026-11-26T12:00:{number:02}.000Z",
    "org.opencontainers.image.description": "An application of no use",
    "org.opencontainers.image.licenses": "Apache-2.0",
    "org.opencontainers.image.revision": "{number:040x}",
    "org.opencontainers.image.source": "https://git.example.com/cost/app",
    "org.opencontainers.image.title": "app",
    "org.opencontainers.image.url": "https://git.example.com/cost/app",
    "org.opencontainers.image.version": "1.{number}.0",
}
# So many looks one after the other that found nothing to do.
QUIET_LOOKS = 8


def lines(logs, operation="collect"):
    """What each call of an operation said, in order."""
    found = []
    for path in glob.glob(f"{logs}/*"):
        with open(path, encoding="utf-8") as log:
            for line in log:
                if line.startswith("{") and f'"operation":"{operation}"' in line and line.endswith("\n"):
                    found.append(json.loads(line))
    return sorted(found, key=lambda entry: entry["time_ms"])


def did_nothing(entry):
    return entry["changes"] == 0 and entry["reviews_done"] == 0


def until_quiet(logs, stream, seen):
    """What was done since, once looks by the schedule, a second apart, find nothing left to do."""
    quiet, known, deadline = 0, seen, time.monotonic() + 900
    while quiet < QUIET_LOOKS:
        if time.monotonic() > deadline:
            sys.exit("the collector does not come to rest")
        stream.tell("schedule", {})
        # Until nothing is on its way any more, neither that look nor a record of the stream.
        while json.loads(ask("GET", f"http://{stream.control}/state")[2])["events"]["pending"] > 0:
            time.sleep(0.1)
        if stream.failure:
            raise stream.failure
        found = lines(logs)
        quiet = quiet + 1 if all(did_nothing(entry) for entry in found[known:]) else 0
        known = len(found)
        time.sleep(1)
    return lines(logs)[seen:]


def push(registry, number, annotated):
    base = f"http://{registry}/v2/cost/app-{number}"
    config = {"os": "linux", "architecture": "amd64", "config": {"Labels": {"number": str(number)}}, "rootfs": {}}
    blobs = [("application/vnd.oci.image.config.v1+json", json.dumps(config).encode())]
    for layer in range(LAYERS):
        blobs.append(("application/vnd.oci.image.layer.v1.tar+gzip", f"layer {layer} of image {number}".encode()))
    described = []
    for media_type, blob in blobs:
        digest = "sha256:" + hashlib.sha256(blob).hexdigest()
        octets = {"Content-Type": "application/octet-stream"}
        ask("POST", f"{base}/blobs/uploads/?digest={digest}", blob, octets)
        described.append({"mediaType": media_type, "digest": digest, "size": len(blob)})
    media_type = "application/vnd.oci.image.manifest.v1+json"
    document = {"schemaVersion": 2, "mediaType": media_type, "config": described[0], "layers": described[1:]}
    if annotated:
        document["annotations"] = {name: value.format(number=number) for name, value in ANNOTATIONS.items()}
    answer = ask("PUT", f"{base}/manifests/v1", json.dumps(document).encode(), {"Content-Type": media_type})
    return f"{base}/manifests/{answer[1]['Docker-Content-Digest']}"


def search(registry, logs):
    """What searches cost, by what is asked for: a row for each."""
    title, source = (f"org.opencontainers.image.{name}" for name in ("title", "source"))
    rows = []
    for what, path, criteria in [
        ("a search that finds nothing", "", {"type": "application/vnd.of.nobody"}),
        ("a search, a page of 10", "", {"annotation": f"{title}=app", "n": 10}),
        ("a search by two things, a page of 10", "", {"annotation": [f"{title}=app", f"{source}={ANNOTATIONS[source]}"], "n": 10}),
        ("a search in a repository that has one", "cost/app-0/", {"platform": "linux/amd64"}),
    ]:
        seen = len(lines(logs, "search"))
        for _ in range(SEARCHES):
            ask("GET", f"http://{registry}/v2/{path}_moorage/search?" + urllib.parse.urlencode(criteria, doseq=True))
        deadline = time.monotonic() + 60
        while len(lines(logs, "search")) < seen + SEARCHES:
            if time.monotonic() > deadline:
                sys.exit("the searches are not in the log")
            time.sleep(0.1)
        rows.append((what, lines(logs, "search")[seen:]))
    return rows


def main(prices_path, template_path, registry, control, dynamodb, table, logs, what):
    with open(prices_path, encoding="utf-8") as file:
        prices = json.load(file)
    with open(template_path, encoding="utf-8") as file:
        memory_gb = int(re.search(r"MemorySize: (\d+)", file.read()).group(1)) / 1024

    searches = []
    stream = Stream(dynamodb, table, control)
    stream.thread.start()
    try:
        before = len(until_quiet(logs, stream, 0))
        manifests = [push(registry, number, "annotated" in what) for number in range(IMAGES)]
        kept = until_quiet(logs, stream, before)
        if "searched" in what:
            searches = search(registry, logs)
        for manifest in manifests:
            ask("DELETE", manifest)
        collected = until_quiet(logs, stream, before + len(kept))
    finally:
        stream.stopped.set()
        stream.thread.join()

    def cost(entries):
        """Calls, units and USD per million of each, of all these together."""
        total = {name: sum(entry.get(name, 0) for entry in entries) for name in FIELDS}
        total["storage"] = sum(entry["list_price_nano_usd"] for entry in entries) / 1000
        seconds = sum(max(1, -(-entry["duration_us"] // 1000)) / 1000 for entry in entries)
        total["Lambda"] = len(entries) * prices["lambda"]["request"] + seconds * memory_gb * prices["lambda"]["gb_second"]
        return total

    idle = [entry for entry in kept + collected if did_nothing(entry)]
    empty = {name: value / len(idle) for name, value in cost(idle).items()}

    print(f"\n{what}: USD per million; an image has a config and {LAYERS} layers; Lambda's times are of this machine")
    names = (*FIELDS, "storage", "Lambda")
    print(f"{'':44}" + "".join(f"{name:>14}" for name in names))

    def row(what, total, by):
        print(f"{what:44}" + "".join(f"{total[name] / by:14.2f}" for name in names))

    row("one look at a queue with nothing due", empty, 1)
    for of_images, entries in [("an image that stays", kept), ("an image that goes, into the trash", collected)]:
        busy = [entry for entry in entries if not did_nothing(entry)]
        total = cost(busy)
        # Lambda calls it for up to 100 changes at once, so the looks at the queue are not the images'.
        for name in (*FIELDS, "storage"):
            total[name] -= empty[name] * len(busy)
        row(of_images, total, IMAGES)
    for of_search, entries in searches:
        row(of_search, cost(entries), len(entries))


FIELDS = (
    "table_calls", "blob_calls", "changes", "reviews_done", "events_handed", "read_units", "write_units",
)  # fmt: skip

if __name__ == "__main__":
    main(*sys.argv[1:])
