"""When everything that was pushed is gone, its events tell of whole lives: each was pushed and collected once, and deleted
once more often than restored, each time under an id of its own, however often an event was told:

told.py FILE

FILE has what `--events-file` wrote. A line that a kill tore is no JSON, and its event was written again.
"""

import collections
import json
import sys

ARTIFACT = "dev.moorage.artifact."


def main(path):
    lives, told, torn = collections.defaultdict(collections.Counter), collections.Counter(), 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            try:
                event = json.loads(line)
            except ValueError:
                torn += 1
                continue
            told[event["id"]] += 1
            if event["type"].startswith(ARTIFACT) and told[event["id"]] == 1:
                subject, life, *_ = event["id"].split("#")
                assert subject == event["subject"], event
                lives[subject, life][event["type"].removeprefix(ARTIFACT)] += 1
    assert lives, "nothing was told at all"

    def is_whole(life):
        return life["pushed"] == life["collected"] == 1 and life["deleted"] == life["restored"] + 1

    broken = {life: dict(counts) for life, counts in lives.items() if not is_whole(counts)}
    restored = sum(life["restored"] for life in lives.values())
    again = sum(count - 1 for count in told.values())
    print(f"events told: {len(told)} of {len(lives)} lives, with {restored} restores; told again: {again}; torn lines: {torn}")
    for life, counts in list(broken.items())[:10]:
        print(f"not a whole life: {'#'.join(life)}: {counts}")
    sys.exit(f"{len(broken)} lives were not told whole" if broken else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
