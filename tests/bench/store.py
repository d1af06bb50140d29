# SPDX-License-Identifier: Apache-2.0
"""The S3 store beside curl, which is the practical ceiling: 4 parallel parts of the same size, signed with their real SHA-256.

curl's digests and signatures are made before its time begins; the store makes its own within its time. Both read the same file, from
memory. Rounds alternate, and the best of each counts: a busy machine slows down either. At the end one object of a much larger size
without a peer, for the store's memory: it must be the same. Every object is removed again before the next is written.
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET

from lab import objectstore, proc
from lab.s3client import S3

_NS = "{http://s3.amazonaws.com/doc/2006-03-01/}"
MIB = 1 << 20
RATIO_LIMIT, PEAK_LIMIT_MIB, PEAK_GROWTH_MIB = 0.9, 200, 16


def _curl(config, directory):
    """Run one curl over all parts; (seconds, CPU seconds)."""
    path = directory / "curl.conf"
    path.write_text("\nnext\n".join(config))
    path.chmod(0o600)
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(["curl", "-sS", "-Z", "--parallel-immediate", "--parallel-max", "4", "-K", path], capture_output=True, text=True, check=False)
    took, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr[-1000:]
    codes = re.findall(r"^code (\d+)$", done.stdout, re.M)
    assert len(codes) == len(config) and all(c in ("200", "206") for c in codes), done.stdout[-500:]
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _lines(client, method, path, query=None, body=b"", more=()):
    url, headers = client.signed(method, path, query, body)
    wanted = [f'url = "{url}"', f'request = "{method}"', 'write-out = "code %{http_code}\\n"', "http1.1", 'header = "Expect:"']
    return wanted + [f'header = "{k}: {v}"' for k, v in headers.items() if k != "host"] + list(more)


def curl_put(client, parts, directory):
    upload = client.begin_upload("bench", "curl")
    config = ["\n".join(_lines(client, "PUT", "bench/curl", {"partNumber": str(n), "uploadId": upload}, part.read_bytes(),
                               [f'upload-file = "{part}"', 'output = "/dev/null"'])) for n, part in enumerate(parts, 1)]
    figures = _curl(config, directory)
    root = ET.fromstring(client.ok("GET", "bench/curl", {"uploadId": upload, "max-parts": "1000"})[1])
    etags = {int(p.findtext(f"{_NS}PartNumber")): p.findtext(f"{_NS}ETag") for p in root.iter(f"{_NS}Part")}
    body = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{etags[n]}</ETag></Part>" for n in sorted(etags))
    client.ok("POST", "bench/curl", {"uploadId": upload}, f"<CompleteMultipartUpload>{body}</CompleteMultipartUpload>".encode())
    return figures


def curl_get(client, sizes, directory):
    at, config = 0, []
    for size in sizes:
        config.append("\n".join(_lines(client, "GET", "bench/curl", more=[f'range = "{at}-{at + size - 1}"', 'output = "/dev/null"'])))
        at += size
    return _curl(config, directory)


def pump(program, store, what, *arguments):
    done = subprocess.run([program, what, "s3://bench/pump", "object", *map(str, arguments)], capture_output=True, text=True, check=False,
                          env={**os.environ, **store.environment()})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def measure(kind, options, directory):
    size, part = options.mib * MIB, 8 * MIB
    data, parts = directory / "data", []
    with open(data, "wb") as whole:
        for n in range(0, size, part):
            block = os.urandom(min(part, size - n))
            whole.write(block)
            parts.append(directory / f"part-{n // part:05}")
            parts[-1].write_bytes(block)
    # Room for what is removed and not yet given back.
    disk = (3 * options.mib + 2 * options.large_mib) * MIB + (8 << 30)
    with kind(**({"disk": disk} if kind is objectstore.Ceph else {})) as store:
        client = S3(store.endpoint, store.access, store.secret, store.region)
        client.make_bucket("bench")
        rounds = [_round(client, store, options, data, parts, directory) for _ in range(options.rounds)]
        large = _large(client, store, options, data)
    for path in (data, *parts):
        path.unlink()
    return [_row(kind.name, what, size, [r[what] for r in rounds]) for what in ("upload", "download")] + large


def _round(client, store, options, data, parts, directory):
    put_curl = curl_put(client, parts, directory)
    get_curl = curl_get(client, [p.stat().st_size for p in parts], directory)
    client.ok("DELETE", "bench/curl")
    put_pump, get_pump = pump(options.pump, store, "put", data), pump(options.pump, store, "get")
    client.ok("DELETE", "bench/object")
    return {"upload": (put_curl, put_pump), "download": (get_curl, get_pump)}


def _large(client, store, options, data):
    """The same bytes again and again: no store compares them."""
    times = options.large_mib // options.mib
    if times < 2:
        return []
    put, get = pump(options.pump, store, "put", data, times), pump(options.pump, store, "get")
    client.ok("DELETE", "bench/object")
    return [_row(store.name, what, options.mib * MIB * times, [(None, figures)]) for what, figures in (("upload", put), ("download", get))]


def _row(store, what, size, rounds):
    curl = min((r for r, _p in rounds if r), default=None)
    best = min((p for _r, p in rounds), key=lambda p: p["seconds"])
    assert all(p["bytes"] == size for _r, p in rounds), rounds
    gib, mib = size / (1 << 30), size / MIB
    return {"store": store, "what": what, "mib": size // MIB, "curl_mib_s": mib / curl[0] if curl else None, "slackwater_mib_s": mib / best["seconds"],
            "ratio": curl[0] / best["seconds"] if curl else None, "cpu_s_per_gib": min(p["cpu"] for _r, p in rounds) / gib,
            "curl_cpu_s_per_gib": min(r[1] for r, _p in rounds) / gib if curl else None, "peak_mib": max(p["peak_kib"] for _r, p in rounds) / 1024}


def missed(rows):
    for r in rows:
        smallest = min(other["peak_mib"] for other in rows if other["what"] == r["what"] and other["store"] == r["store"])
        what = f"{r['store']} {r['what']} of {r['mib']} MiB"
        if r["ratio"] is not None and r["ratio"] < RATIO_LIMIT:
            yield f"{what}: {r['ratio']:.2f} of curl's throughput (at least {RATIO_LIMIT})"
        if r["peak_mib"] > PEAK_LIMIT_MIB:
            yield f"{what}: {r['peak_mib']:.0f} MiB of memory (at most {PEAK_LIMIT_MIB})"
        if r["peak_mib"] > smallest + PEAK_GROWTH_MIB:
            yield f"{what}: {r['peak_mib']:.0f} MiB of memory, {smallest:.0f} at another size (at most {PEAK_GROWTH_MIB} more)"


def _print(rows):
    def cell(value, width, digits):
        return f"{'-' if value is None else format(value, f'.{digits}f'):>{width}}"
    print(f"{'store':6} {'what':9} {'MiB':>6} {'curl MiB/s':>11} {'ours MiB/s':>11} {'ratio':>6} {'CPU s/GiB':>10} {'(curl)':>7} {'peak MiB':>9}")
    for r in rows:
        print(f"{r['store']:6} {r['what']:9} {r['mib']:6}", cell(r["curl_mib_s"], 11, 1), cell(r["slackwater_mib_s"], 11, 1), cell(r["ratio"], 6, 2),
              cell(r["cpu_s_per_gib"], 10, 2), cell(r["curl_cpu_s_per_gib"], 7, 2), cell(r["peak_mib"], 9, 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pump", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--mib", type=int, default=2048, help="size of the objects beside curl's (2048; at most 8000: one page of parts)")
    parser.add_argument("--large-mib", type=int, default=8192, help="size of the one without a peer, for its memory (8192; 0: none)")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--stores", default="ceph,swift")
    parser.add_argument("--json", type=pathlib.Path, default=pathlib.Path("bench-store.json"))
    options = parser.parse_args()
    proc.end_on_signals()
    rows = []
    with tempfile.TemporaryDirectory(dir=options.json.resolve().parent, prefix=".bench-") as directory:
        for kind in objectstore.STORES:
            if kind.name in options.stores.split(","):
                rows += measure(kind, options, pathlib.Path(directory))
    _print(rows)
    options.json.write_text(json.dumps({"when": datetime.datetime.now(datetime.timezone.utc).isoformat(), "rows": rows}, indent=1) + "\n")
    lines = list(missed(rows))
    for line in lines:
        print("MISSED", line)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
