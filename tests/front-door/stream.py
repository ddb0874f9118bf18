"""Hands the records of a table's stream to the front door, as AWS would to a function:

stream.py DYNAMODB TABLE CONTROL     until it is ended; from the stream's beginning on

DYNAMODB is the address of an engine with streams, CONTROL the front door's (host:port).
"""

import json
import sys
import threading
import time
import urllib.request


# As Lambda does it (Lambda Developer Guide, "Polling and batching streams").
READS_PER_SECOND = 4


def ask(method, url, body=None, headers=None):
    """Status, headers and body of an answer; any but 2xx and 3xx is an error."""
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status, answer.headers, answer.read()


class Stream:
    """The table's stream, handed over until `stopped`."""

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
            time.sleep(1 / READS_PER_SECOND)


if __name__ == "__main__":
    Stream(*sys.argv[1:]).deliver()
