"""What was pushed through the functions is found by what it is, a moment later, and no longer once it is deleted:

searched.py REGISTRY CONTROL DYNAMODB TABLE

The functions stand behind the front door at REGISTRY and CONTROL (host:port each).
"""

import json
import pathlib
import sys
import urllib.error
import urllib.parse

sys.dont_write_bytecode = True
sys.path.append(str(pathlib.Path(__file__).parent))
from stream import Stream, ask  # noqa: E402
from told import Repository, until  # noqa: E402

IMAGES = 5
CONFIG = {"os": "linux", "architecture": "arm64", "variant": "v8", "config": {"Labels": {"tier": "gold"}}}


def search(registry, repository=None, **criteria):
    """All that is found, page by page, as (repository, digest)."""
    inside = f"{repository}/" if repository else ""
    url = f"/v2/{inside}_moorage/search?" + urllib.parse.urlencode(criteria, doseq=True)
    found = []
    while url:
        _, headers, body = ask("GET", f"http://{registry}{url}")
        found += [(one["repository"], one["digest"]) for one in json.loads(body)["results"]]
        link = headers.get("Link")
        url = link[link.index("<") + 1 : link.index(">")] if link else None
    return found


def main(registry, control, dynamodb, table):
    one, other = Repository(registry, "searched/one"), Repository(registry, "searched/other")
    stream = Stream(dynamodb, table, control)
    stream.thread.start()
    try:
        pushed = []
        for number in range(IMAGES):
            annotations = {"team": "blue" if number % 2 else "red", "number": str(number)}
            digest = one.push(f"image {number}", f"v{number}", annotations=annotations, config=CONFIG)
            pushed.append((one.name, digest))
        spdx = "application/spdx+json"
        attached = other.push("a bill of materials", "bom", config={}, artifact_type=spdx)
        everything = {*pushed, (other.name, attached)}
        until("all is found", lambda: set(search(registry)) == everything)

        newest_first = pushed[::-1]
        blue = [image for number, image in enumerate(pushed) if number % 2][::-1]
        for expected, criteria in [
            ([(other.name, attached)], {"type": spdx}),
            (newest_first, {"platform": "linux/arm64/v8"}),
            ([], {"platform": "linux/amd64"}),
            (newest_first, {"label": "tier=gold"}),
            (blue, {"annotation": "team=blue"}),
            (blue[:1], {"annotation": ["team=blue", "number=3"]}),
            (newest_first, {"platform": "linux/arm64", "n": 2}),
            ([], {"before": "2020-01-01T00:00:00Z"}),
        ]:
            for repository in [None, one.name]:
                wanted = [hit for hit in expected if repository in (None, hit[0])]
                found = search(registry, repository, **criteria)
                assert found == wanted, f"{criteria} in {repository}: {found}, not {wanted}"
        assert search(registry, "searched/nobody") == []
        try:
            search(registry, kind="image")
            sys.exit("a criterion that nobody knows was taken")
        except urllib.error.HTTPError as error:
            assert error.code == 400, error.code

        # What a result says is looked at when it is asked for: nothing has to be written first.
        gone = pushed[2]
        one.delete(gone[1])
        assert gone not in search(registry, platform="linux/arm64"), "what is deleted was found"
        one.restore(gone[1])
        assert search(registry, platform="linux/arm64") == newest_first, "what is back was not found"
        until("nothing is pending", lambda: json.loads(ask("GET", f"http://{control}/state")[2])["events"]["pending"] == 0)
        assert set(search(registry)) == everything
    finally:
        stream.stopped.set()
        stream.thread.join()
    if stream.failure:
        raise stream.failure
    print(f"found: {len(everything)} manifests, by type, platform, annotation, label and time")


if __name__ == "__main__":
    main(*sys.argv[1:])
