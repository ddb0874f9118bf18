"""Compares what the log lines of a registry say with what a proxy counted: compare.py LOG COUNTS.

A line says which calls of its two ports a request made, and which requests to the backends these became. Those
are the same number but for what is named here: retries, bytes that went out in several parts, and clients
that were redirected: those send a GetObject of their own.
"""

import collections
import json
import sys

PARTS = {"s3:CreateMultipartUpload", "s3:UploadPart", "s3:CompleteMultipartUpload"}


def main(log_path, counts_path):
    said = collections.Counter()
    calls = {"table": 0, "blobs": 0}
    retries = lines = in_parts = redirected = 0
    nano_usd = 0.0
    with open(log_path, encoding="utf-8") as log:
        for line in log:
            if not line.startswith("{"):
                continue
            entry = json.loads(line)
            if entry.get("target") != "moorage::request" or "backend_requests" not in entry:
                continue
            lines += 1
            redirected += entry["status"] == 307
            requests = collections.Counter()
            for one in entry["backend_requests"].split(", "):
                operation, number = one.rsplit(" ", 1)
                requests[operation] += int(number)
            said += requests
            calls["table"] += entry["table_calls"]
            calls["blobs"] += entry["blob_calls"]
            retries += entry["retries"]
            nano_usd += entry["list_price_nano_usd"]
            of_blobs = sum(n for operation, n in requests.items() if operation.startswith("s3:"))
            if of_blobs > entry["blob_calls"] and any(operation in PARTS for operation in requests):
                in_parts += of_blobs - entry["blob_calls"]
    with open(counts_path, encoding="utf-8") as counts:
        counted = collections.Counter(json.load(counts))
    counted["s3:GetObject"] -= redirected

    print(f"{'operation':34} {'log lines':>10} {'sockets':>10}")
    for operation in sorted(said | counted):
        differs = "" if said[operation] == counted[operation] else "   DIFFERS"
        print(f"{operation:34} {said[operation]:>10} {counted[operation]:>10}{differs}")
    sent = sum(said.values())
    made = calls["table"] + calls["blobs"]
    print(f"{lines} log lines: {made} calls of the ports became {sent} requests; {retries} more were retries,")
    print(f"{in_parts} more were parts of long bodies; {redirected} more GetObject were redirected clients' own;")
    print(f"by the list of prices {nano_usd / 1e9:.6f} USD")
    if lines == 0 or sent == 0:
        sys.exit("no request was logged with what it sent")
    if said != counted:
        sys.exit("the log lines and the sockets differ")
    if sent != made + retries + in_parts:
        sys.exit("the calls of the ports and the requests differ by what is not named")


if __name__ == "__main__":
    main(*sys.argv[1:])
