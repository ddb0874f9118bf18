"""Sends requests that no client means: fuzz.py HOST:PORT COUNT SEED.

Paths, queries, headers and bodies are made of pieces that something may trip over. Every request must be answered as
HTTP, none with a failure of the function (5xx): that is checked here, and that no function panicked by the caller.
"""

import random
import socket
import sys

PIECES = [
    b"/", b"//", b"..", b".", b"%", b"%2", b"%2F", b"%00", b"%ff", b"%C3%A9", b"?", b"&", b"=", b"#", b"{", b"}", b"<", b">",
    b'"', b"'", b"\\", b"^", b"`", b"|", b"[", b"]", b"+", b";", b":", b"@", b"v2", b"blobs", b"uploads", b"manifests",
    b"tags/list", b"referrers", b"_catalog", b"sha256:" + b"a" * 64, b"sha256%3A" + b"0" * 64, b"sha512:1", b"latest",
    b"n=10", b"last=", b"digest=", b"mount=", b"from=", b"tag=", b"artifactType=", b"\xc3\xa9", b"\xff", b"\x7f", b"\t",
    b"a" * 300, b"-1", b"18446744073709551616", b"digest-algorithm=md5",
]
HEADERS = [
    b"content-type", b"content-range", b"range", b"content-length", b"authorization", b"accept", b"x-forwarded-proto",
    b"x-forwarded-port", b"x-forwarded-for", b"forwarded", b"cookie", b"if-match", b"expect", b"te", b"user-agent", b"x-y",
]
METHODS = [b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE"]


def pieces(rng, most):
    return b"".join(rng.choice(PIECES) for _ in range(rng.randint(0, most)))


def request(rng):
    method = rng.choice(METHODS)
    target = b"/v2/" + pieces(rng, 6)
    if rng.random() < 0.6:
        target += b"?" + pieces(rng, 6)
    # What would end the request line is not part of a target.
    target = target.replace(b"\t", b"").replace(b"\x7f", b"").replace(b"#", b"%23")
    lines = [method + b" " + target + b" HTTP/1.1", b"host: " + rng.choice([b"registry.example", b"a:b:c", b"[", b"%", b""])]
    for _ in range(rng.randint(0, 5)):
        name = rng.choice(HEADERS)
        if name in (b"content-length", b"expect", b"te"):
            continue
        lines.append(name + b": " + pieces(rng, 3).replace(b"\x7f", b""))
    body = pieces(rng, 8) if method in (b"POST", b"PUT", b"PATCH") else b""
    lines += [b"content-length: %d" % len(body), b"connection: close"]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def ask(host, port, sent):
    with socket.create_connection((host, port), timeout=30) as connection:
        connection.sendall(sent)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def main(address, count, seed):
    host, port = address.rsplit(":", 1)
    rng = random.Random(int(seed))
    statuses = {}
    for _ in range(int(count)):
        sent = request(rng)
        answer = ask(host, int(port), sent)
        if not answer.startswith(b"HTTP/1.1 "):
            sys.exit(f"no answer of HTTP to {sent!r}: {answer[:200]!r}")
        status = int(answer.split(b" ", 2)[1])
        statuses[status] = statuses.get(status, 0) + 1
        if status >= 500:
            sys.exit(f"{answer[:400]!r} to {sent!r}")
    print(f"{count} requests from seed {seed}: " + ", ".join(f"{n} x {s}" for s, n in sorted(statuses.items())))
    if len([s for s in statuses if s != 400]) < 3:
        sys.exit("hardly any request came further than the front door")


if __name__ == "__main__":
    main(*sys.argv[1:])
