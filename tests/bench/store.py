# SPDX-License-Identifier: Apache-2.0
"""The S3 store beside curl, which is the practical ceiling: 4 parallel parts of the same size, signed with their real SHA-256.

curl's digests and signatures are made before its time begins; the store makes its own within its time. Both read the same file, from
memory. Rounds alternate, and the best of each counts: a busy machine slows down either.
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import resource
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET

from lab import objectstore, proc
from lab.s3client import S3

_NS = "{http://s3.amazonaws.com/doc/2006-03-01/}"
MIB = 1 << 20


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
    results = []
    with kind(**({"disk": 4 * size + (8 << 30)} if kind is objectstore.Ceph else {})) as store:
        client = S3(store.endpoint, store.access, store.secret, store.region)
        client.make_bucket("bench")
        for _ in range(options.rounds):
            put_curl, put_pump = curl_put(client, parts, directory), pump(options.pump, store, "put", data)
            get_curl, get_pump = curl_get(client, [p.stat().st_size for p in parts], directory), pump(options.pump, store, "get")
            results.append({"upload": (put_curl, put_pump), "download": (get_curl, get_pump)})
    for path in (data, *parts):
        path.unlink()
    return [_row(kind.name, what, size, [r[what] for r in results]) for what in ("upload", "download")]


def _row(store, what, size, rounds):
    curl = min(r[0] for r, _p in rounds)
    best = min((p for _r, p in rounds), key=lambda p: p["seconds"])
    gib = size / (1 << 30)
    return {"store": store, "what": what, "mib": size // MIB, "curl_mib_s": size / MIB / curl, "slackwater_mib_s": size / MIB / best["seconds"],
            "ratio": curl / best["seconds"], "cpu_s_per_gib": best["cpu"] / gib, "curl_cpu_s_per_gib": min(r[1] for r, _p in rounds) / gib,
            "peak_mib": max(p["peak_kib"] for _r, p in rounds) / 1024}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pump", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--mib", type=int, default=2048, help="size of the object (2048; at most 8000: one page of parts)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stores", default="ceph,swift")
    parser.add_argument("--json", type=pathlib.Path, default=pathlib.Path("bench-store.json"))
    options = parser.parse_args()
    proc.end_on_signals()
    rows = []
    with tempfile.TemporaryDirectory(dir=options.json.resolve().parent, prefix=".bench-") as directory:
        for kind in objectstore.STORES:
            if kind.name in options.stores.split(","):
                rows += measure(kind, options, pathlib.Path(directory))
    print(f"{'store':6} {'what':9} {'MiB':>6} {'curl MiB/s':>11} {'ours MiB/s':>11} {'ratio':>6} {'CPU s/GiB':>10} {'(curl)':>7} {'peak MiB':>9}")
    for r in rows:
        print(f"{r['store']:6} {r['what']:9} {r['mib']:6} {r['curl_mib_s']:11.1f} {r['slackwater_mib_s']:11.1f} {r['ratio']:6.2f} "
              f"{r['cpu_s_per_gib']:10.2f} {r['curl_cpu_s_per_gib']:7.2f} {r['peak_mib']:9.1f}")
    options.json.write_text(json.dumps({"when": datetime.datetime.now(datetime.timezone.utc).isoformat(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
