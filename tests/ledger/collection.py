"""What it costs to keep and to collect images, in dollars per million, from log lines of `collect`:

collection.py PRICES TEMPLATE REGISTRY CONTROL DYNAMODB TABLE LOGS

Images are pushed through the front door at REGISTRY and deleted again; meanwhile the records of the table's stream and
the schedule go to CONTROL, as AWS would send them. The functions have a grace of seconds. What lies further ahead is not
waited for, and said: deadlines of what was pending, and objects in the trash.
"""

import glob
import hashlib
import json
import re
import sys
import threading
import time
import urllib.request

IMAGES = 40
LAYERS = 3
# So many looks one after the other that found nothing to do.
QUIET_LOOKS = 8


def ask(method, url, body=None, headers=None):
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status, answer.headers, answer.read()


class Stream:
    """The table's stream, handed over record by record until `stopped`."""

    def __init__(self, dynamodb, table, control):
        self.dynamodb, self.table, self.control = dynamodb, table, control
        self.stopped, self.failure = threading.Event(), None
        self.thread = threading.Thread(target=self.run)

    def call(self, operation, **arguments):
        credential = "Credential=moorage/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"DynamoDBStreams_20120810.{operation}",
            "Authorization": f"AWS4-HMAC-SHA256 {credential}",
        }
        return json.loads(ask("POST", self.dynamodb, json.dumps(arguments).encode(), headers)[2])

    def tell(self, what, event):
        ask("POST", f"http://{self.control}/events/{what}", json.dumps(event).encode())

    def run(self):
        try:
            self.deliver()
        except Exception as failure:  # told by whoever waits
            self.failure = failure

    def deliver(self):
        stream = self.call("ListStreams", TableName=self.table)["Streams"][0]["StreamArn"]
        places = {}
        while not self.stopped.is_set():
            for shard in self.call("DescribeStream", StreamArn=stream)["StreamDescription"]["Shards"]:
                name = shard["ShardId"]
                if name not in places:
                    beginning = {"StreamArn": stream, "ShardId": name, "ShardIteratorType": "TRIM_HORIZON"}
                    places[name] = self.call("GetShardIterator", **beginning)["ShardIterator"]
                if places[name] is None:
                    continue
                page = self.call("GetRecords", ShardIterator=places[name])
                places[name] = page.get("NextShardIterator")
                records = [dict(record, eventSourceARN=stream) for record in page["Records"]]
                if records:
                    self.tell("stream", {"Records": records})
            self.tell("schedule", {})
            time.sleep(1)


def lines(logs):
    """What each call of `collect` said, in order."""
    found = []
    for path in glob.glob(f"{logs}/*"):
        with open(path, encoding="utf-8") as log:
            for line in log:
                if line.startswith("{") and '"operation":"collect"' in line and line.endswith("\n"):
                    found.append(json.loads(line))
    return sorted(found, key=lambda entry: entry["time_ms"])


def did_nothing(entry):
    return entry["changes"] == 0 and entry["reviews_done"] == 0


def until_quiet(logs, stream, seen):
    """What was done since, once nothing is left to do."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        if stream.failure:
            raise stream.failure
        new = lines(logs)[seen:]
        if len(new) >= QUIET_LOOKS and all(did_nothing(entry) for entry in new[-QUIET_LOOKS:]):
            return new
        time.sleep(1)
    sys.exit("the collector does not come to rest")


def push(registry, number):
    base = f"http://{registry}/v2/cost/app-{number}"
    described = []
    for name in ["config"] + [f"layer {layer}" for layer in range(LAYERS)]:
        blob = f"{name} of image {number}".encode()
        digest = "sha256:" + hashlib.sha256(blob).hexdigest()
        octets = {"Content-Type": "application/octet-stream"}
        ask("POST", f"{base}/blobs/uploads/?digest={digest}", blob, octets)
        described.append({"mediaType": "application/octet-stream", "digest": digest, "size": len(blob)})
    media_type = "application/vnd.oci.image.manifest.v1+json"
    document = {"schemaVersion": 2, "mediaType": media_type, "config": described[0], "layers": described[1:]}
    answer = ask("PUT", f"{base}/manifests/v1", json.dumps(document).encode(), {"Content-Type": media_type})
    return f"{base}/manifests/{answer[1]['Docker-Content-Digest']}"


def main(prices_path, template_path, registry, control, dynamodb, table, logs):
    with open(prices_path, encoding="utf-8") as file:
        prices = json.load(file)
    with open(template_path, encoding="utf-8") as file:
        memory_gb = int(re.search(r"MemorySize: (\d+)", file.read()).group(1)) / 1024

    stream = Stream(dynamodb, table, control)
    stream.thread.start()
    try:
        before = len(until_quiet(logs, stream, 0))
        manifests = [push(registry, number) for number in range(IMAGES)]
        kept = until_quiet(logs, stream, before)
        for manifest in manifests:
            ask("DELETE", manifest)
        collected = until_quiet(logs, stream, before + len(kept))
    finally:
        stream.stopped.set()
        stream.thread.join()

    def cost(entries):
        """Calls, units and USD per million of each, of all these together."""
        total = {name: sum(entry[name] for entry in entries) for name in FIELDS}
        total["storage"] = sum(entry["list_price_nano_usd"] for entry in entries) / 1000
        seconds = sum(max(1, -(-entry["duration_us"] // 1000)) / 1000 for entry in entries)
        total["Lambda"] = len(entries) * prices["lambda"]["request"] + seconds * memory_gb * prices["lambda"]["gb_second"]
        total["looks"] = len(entries)
        return total

    idle = [entry for entry in kept + collected if did_nothing(entry)]
    empty = {name: value / len(idle) for name, value in cost(idle).items()}

    print(f"USD per million; an image has a config and {LAYERS} layers; Lambda's times are of this machine")
    names = ("table_calls", "blob_calls", "changes", "reviews_done", "read_units", "write_units", "storage", "Lambda")
    print(f"{'':44}" + "".join(f"{name:>13}" for name in names))

    def row(what, total, by):
        print(f"{what:44}" + "".join(f"{total[name] / by:13.2f}" for name in names))

    row("one look at a queue with nothing due", empty, 1)
    for what, entries in [("an image that stays: its reviews", kept), ("an image that goes, into the trash", collected)]:
        busy = [entry for entry in entries if not did_nothing(entry)]
        total = cost(busy)
        # Lambda calls it for up to 100 changes at once, so the looks at the queue are not the images'.
        for name in FIELDS + ("storage",):
            total[name] -= empty[name] * len(busy)
        row(what, total, IMAGES)
    print("not waited for: the deadlines of what was pending (a review each, in an hour), and the trash (after 25 minutes)")


FIELDS = ("table_calls", "blob_calls", "changes", "reviews_done", "read_units", "write_units")

if __name__ == "__main__":
    main(*sys.argv[1:])
