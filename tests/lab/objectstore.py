# SPDX-License-Identifier: Apache-2.0
"""Real object stores for tests: Ceph's radosgw and OpenStack Swift, as processes of the run's own, on loopback."""
import getpass
import os
import secrets
import shutil
import socket
import subprocess
import uuid

from . import place, proc
from .s3client import S3

_CEPH = ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "monmaptool", "ceph")
_SWIFT = ("swift-proxy-server", "swift-account-server", "swift-container-server", "swift-object-server", "swift-ring-builder", "memcached")


def why_missing(programs):
    lacking = [p for p in programs if not shutil.which(p)]
    return f"{', '.join(lacking)}: not installed" if lacking else ""


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _ports(n):
    """n neighbouring free ports; returns the first."""
    while True:
        first = place.free_port()
        try:
            for port in range(first + 1, first + n):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
            return first
        except (OSError, OverflowError):
            continue


class _Store:
    def __init__(self):
        self.children = []
        self.directory = place.run_dir() / f"{self.name}-{uuid.uuid4().hex[:8]}"
        self.directory.mkdir()

    def _spawn(self, what, argv, **popen):
        log = open(self.directory / f"{what}.out", "ab")      # pylint: disable=consider-using-with
        with log:
            self.children.append((what, proc.spawn(argv, stdout=log, stderr=subprocess.STDOUT, **popen)))

    def _wait_port(self, port, what, seconds=60):
        def ready():
            for name, child in self.children:
                assert child.poll() is None, f"{name} ended: {(self.directory / (name + '.out')).read_text()[-2000:]}"
            return _listens(port)
        proc.wait_until(ready, seconds, f"{what} to listen")

    def environment(self, **more):
        """What a program needs to reach it. Nothing of the caller's own AWS settings comes in between."""
        clean = {k: "" for k in os.environ if k.startswith("AWS_")}
        return {**clean, "AWS_ACCESS_KEY_ID": self.access, "AWS_SECRET_ACCESS_KEY": self.secret, "AWS_REGION": self.region,
                "AWS_ENDPOINT_URL_S3": self.endpoint, "AWS_EC2_METADATA_DISABLED": "true", **more}

    def client(self):
        return S3(self.endpoint, self.access, self.secret, self.region)

    def end(self):
        """All at once and for good: a Ceph OSD lingers after its monitor has gone."""
        for _what, child in reversed(self.children):
            proc.end(child)
        self.children = []
        if not os.environ.get("SLACKWATER_LAB_KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_exc):
        self.end()


class Ceph(_Store):
    """One monitor, one OSD on a sparse file, one radosgw. With a certificate (a pair of files) it listens for TLS as well."""
    name, region, conditional_put = "ceph", "us-east-1", True
    why_missing = why_missing(_CEPH)

    def __init__(self, certificate=None, sts=False, disk=6 << 30):
        super().__init__()
        self.certificate, self.sts, self.disk = certificate, sts, disk
        self.access, self.secret = f"AK{secrets.token_hex(8)}", secrets.token_hex(20)
        self.port, self.tls_port, self.monitor = place.free_port(), place.free_port(), _ports(20)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.tls_endpoint = f"https://s3.localhost:{self.tls_port}"

    def _write_conf(self, fsid):
        tls = f" ssl_endpoint=127.0.0.1:{self.tls_port} ssl_certificate={self.certificate[0]} ssl_private_key={self.certificate[1]}" \
            if self.certificate else ""
        sts = "rgw_sts_key = 0123456789abcdef\nrgw_s3_auth_use_sts = true\n" if self.sts else ""
        d = self.directory
        (d / "ceph.conf").write_text(f"""[global]
fsid = {fsid}
mon_host = v2:127.0.0.1:{self.monitor}
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
public_network = 127.0.0.0/8
cluster_network = 127.0.0.0/8
ms_bind_port_min = {self.monitor + 1}
ms_bind_port_max = {self.monitor + 18}
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_client_mode = crc
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
osd_pool_default_size = 1
osd_pool_default_min_size = 1
mon_allow_pool_size_one = true
osd_pool_default_pg_num = 1
osd_pool_default_pg_autoscale_mode = off
mon_max_pg_per_osd = 1000
osd_crush_chooseleaf_type = 0
osd_objectstore = bluestore
bluestore_block_size = {self.disk}
osd_memory_target = 1073741824
mon_data_avail_crit = 1
mon_data = {d}/mon
osd_data = {d}/osd$id
run_dir = {d}/run
admin_socket =
log_file = {d}/$name.log
mon_cluster_log_file = {d}/cluster.log
rgw_frontends = beast endpoint=127.0.0.1:{self.port}{tls}
rgw_dns_name = s3.localhost
rgw_data = {d}/rgw
rgw_gc_obj_min_wait = 5
rgw_gc_processor_period = 5
rgw_enable_apis = s3, sts, iam, admin
{sts}""")

    def _run(self, *argv, seconds=60):
        done = subprocess.run(["timeout", str(seconds), *map(str, argv)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(map(str, argv[:3]))}: {done.stderr[-2000:]}"
        return done.stdout

    def start(self):
        d, fsid, osd = self.directory, str(uuid.uuid4()), str(uuid.uuid4())
        for sub in ("mon", "osd0", "run", "rgw"):
            (d / sub).mkdir()
        self._write_conf(fsid)
        conf = ("-c", d / "ceph.conf")
        self._run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{self.monitor}]", d / "monmap")
        self._run("ceph-mon", *conf, "--mkfs", "-i", "a", "--monmap", d / "monmap")
        self._spawn("mon", ["ceph-mon", *conf, "-f", "-i", "a"])
        self._run("ceph", *conf, "osd", "new", osd, "0")
        self._run("ceph-osd", *conf, "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._spawn("osd", ["ceph-osd", *conf, "-f", "-i", "0"])
        proc.wait_until(lambda: "1 up" in self._run("ceph", *conf, "osd", "stat"), 60, "Ceph's OSD to be up", every=0.2)
        self._spawn("rgw", ["radosgw", *conf, "-f", "-n", "client.admin"])
        self._wait_port(self.port, "radosgw")
        self.add_user("ci", self.access, self.secret)

    def add_user(self, name, access, secret):
        self._run("radosgw-admin", "-c", self.directory / "ceph.conf", "user", "create", f"--uid={name}", f"--display-name={name}",
                  f"--access-key={access}", f"--secret={secret}", "--caps=roles=*;user-policy=*")


class Swift(_Store):
    """Swift with s3api and tempauth on one device. Its access keys are ACCOUNT:USER."""
    name, region, conditional_put = "swift", "us-east-1", False
    why_missing = why_missing(_SWIFT)

    def __init__(self):
        super().__init__()
        self.access, self.secret = "test:ci", secrets.token_hex(20)
        self.port = _ports(10)
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def _write(self, name, text):
        (self.directory / name).write_text(text)

    def _write_servers(self):
        d, user = self.directory, getpass.getuser()
        self._write("swift.conf", "[swift-hash]\nswift_hash_path_prefix = a\nswift_hash_path_suffix = b\n"
                                  "[storage-policy:0]\nname = p0\ndefault = yes\n")
        for n, kind in enumerate(("account", "container", "object"), 1):
            builder = d / f"{kind}.builder"
            for command in (("create", "4", "1", "1"), ("add", f"r1z1-127.0.0.1:{self.port + n}/d1", "1"), ("rebalance",)):
                done = subprocess.run(["swift-ring-builder", builder, *command], cwd=d, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stdout + done.stderr
            self._write(f"{kind}-server.conf", f"[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = {self.port + n}\nuser = {user}\n"
                        f"swift_dir = {d}\ndevices = {d}/node\nmount_check = false\nworkers = 0\nfallocate_reserve = 0\n"
                        f"[pipeline:main]\npipeline = {kind}-server\n[app:{kind}-server]\nuse = egg:swift#{kind}\n")

    def _write_proxy(self):
        simple = "".join(f"[filter:{f}]\nuse = egg:swift#{f.replace('-', '_')}\n" for f in (
            "catch_errors", "gatekeeper", "healthcheck", "proxy-logging", "listing_formats", "bulk", "copy", "dlo", "symlink"))
        self._write("proxy-server.conf", f"""[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {self.port}
user = {getpass.getuser()}
swift_dir = {self.directory}
workers = 1
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck proxy-logging cache listing_formats bulk s3api tempauth copy slo dlo versioned_writes symlink proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
{simple}[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{self.port + 9}
[filter:s3api]
use = egg:swift#s3api
location = {self.region}
storage_domain = s3.localhost
max_upload_part_num = 10000
[filter:tempauth]
use = egg:swift#tempauth
user_test_ci = {self.secret} .admin
[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
""")
        os.chmod(self.directory / "proxy-server.conf", 0o600)

    def start(self):
        d = self.directory
        (d / "node" / "d1").mkdir(parents=True)
        self._write_servers()
        self._write_proxy()
        root = ["-u", "nobody"] if os.geteuid() == 0 else []
        self._spawn("memcached", ["memcached", *root, "-l", "127.0.0.1", "-p", str(self.port + 9), "-U", "0", "-m", "16"])
        for kind in ("account", "container", "object", "proxy"):
            self._spawn(kind, [f"swift-{kind}-server", d / f"{kind}-server.conf", "-v"])
        for port in (*range(self.port, self.port + 4), self.port + 9):
            self._wait_port(port, "Swift")


STORES = (Ceph, Swift)
