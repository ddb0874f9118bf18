"""Dollars per million of each operation, from log lines of the functions: bill.py PRICES TEMPLATE LOG...

Storage is what the lines say, by the backend's own units. The function is its price per request and its time, as
the line has it, with the template's memory; API Gateway is a price per request.
"""

import collections
import json
import re
import sys


def main(prices_path, template_path, *logs):
    with open(prices_path, encoding="utf-8") as file:
        prices = json.load(file)
    with open(template_path, encoding="utf-8") as file:
        memory_gb = int(re.search(r"MemorySize: (\d+)", file.read()).group(1)) / 1024
    rows = collections.defaultdict(list)
    for path in logs:
        with open(path, encoding="utf-8") as log:
            for line in log:
                if line.startswith("{") and '"operation"' in line:
                    entry = json.loads(line)
                    rows[f"{entry['method']} {entry['operation']}: {entry['status']}"].append(entry)
    if not rows:
        sys.exit("no request was logged")

    print(f"USD per million; a function has {memory_gb:g} GB; times are medians of this machine, on emulated storage")
    head = ("operation", "count", "table", "blobs", "RCU", "WCU", "storage", "ms", "Lambda", "API", "in all")
    print(f"{head[0]:28}" + "".join(f"{name:>9}" for name in head[1:]))
    for name, entries in sorted(rows.items()):
        mean = lambda field: sum(entry.get(field, 0) for entry in entries) / len(entries)
        milliseconds = sorted(entry["duration_us"] for entry in entries)[len(entries) // 2] / 1000
        storage = mean("list_price_nano_usd") / 1000
        # Lambda bills whole milliseconds.
        seconds = max(1, -(-milliseconds // 1)) / 1000
        function = prices["lambda"]["request"] + seconds * memory_gb * prices["lambda"]["gb_second"]
        door = prices["http_api"]["request"]
        cells = [
            f"{len(entries)}", f"{mean('table_calls'):.1f}", f"{mean('blob_calls'):.1f}", f"{mean('read_units'):.1f}",
            f"{mean('write_units'):.1f}", f"{storage:.2f}", f"{milliseconds:.1f}", f"{function:.2f}", f"{door:.2f}",
            f"{storage + function + door:.2f}",
        ]
        print(f"{name:28}" + "".join(f"{cell:>9}" for cell in cells))


if __name__ == "__main__":
    main(*sys.argv[1:])
