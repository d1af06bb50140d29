# SPDX-License-Identifier: Apache-2.0
"""A small S3 client of the lab's own, signed by the textbook: to make buckets, and to see what is in them with other eyes than the program's."""
import datetime
import hashlib
import hmac
import http.client
import ssl
import urllib.parse
import xml.etree.ElementTree as ET

_NS = "{http://s3.amazonaws.com/doc/2006-03-01/}"


def _sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class S3:
    def __init__(self, endpoint, access, secret, region="us-east-1", ca=None):
        url = urllib.parse.urlsplit(endpoint)
        self.netloc, self.tls = url.netloc, url.scheme == "https"
        self.access, self.secret, self.region, self.ca = access, secret, region, ca

    def _connect(self):
        if self.tls:
            return http.client.HTTPSConnection(self.netloc, timeout=60, context=ssl.create_default_context(cafile=self.ca))
        return http.client.HTTPConnection(self.netloc, timeout=60)

    def signed(self, method, path, query=None, body=b""):
        """(URL, headers); path is not encoded and begins with the bucket."""
        quoted = urllib.parse.quote("/" + path, safe="/-._~")
        pairs = "&".join(f"{urllib.parse.quote(k, safe='-._~')}={urllib.parse.quote(v, safe='-._~')}"
                         for k, v in sorted((query or {}).items()))
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        sha = hashlib.sha256(body).hexdigest()
        headers = {"host": self.netloc, "x-amz-content-sha256": sha, "x-amz-date": now}
        names = ";".join(sorted(headers))
        canonical = "\n".join([method, quoted, pairs, *(f"{k}:{headers[k]}" for k in sorted(headers)), "", names, sha])
        scope = f"{now[:8]}/{self.region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = _sign(_sign(_sign(_sign(f"AWS4{self.secret}".encode(), now[:8]), self.region), "s3"), "aws4_request")
        headers["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.access}/{scope}, SignedHeaders={names}, "
                                    f"Signature={hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}")
        return f"http{'s' if self.tls else ''}://{self.netloc}{quoted}{'?' + pairs if pairs else ''}", headers

    def call(self, method, path, query=None, body=b"", headers=None):
        """(status, headers, body)"""
        url, signed = self.signed(method, path, query, body)
        target = url.split(self.netloc, 1)[1]
        connection = self._connect()
        try:
            connection.request(method, target, body=body, headers={**signed, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def ok(self, method, path, *args, **kwargs):
        status, headers, body = self.call(method, path, *args, **kwargs)
        assert status // 100 == 2, f"{method} {path}: {status} {body[:500]!r}"
        return headers, body

    def make_bucket(self, bucket):
        self.ok("PUT", bucket)

    def put(self, bucket, key, data=b""):
        self.ok("PUT", f"{bucket}/{key}", body=data)

    def get(self, bucket, key):
        return self.ok("GET", f"{bucket}/{key}")[1]

    def keys(self, bucket, prefix=""):
        """{key: size}."""
        found, token = {}, None
        while True:
            query = {"list-type": "2", "prefix": prefix, **({"continuation-token": token} if token else {})}
            root = ET.fromstring(self.ok("GET", bucket, query)[1])
            for item in root.iter(f"{_NS}Contents"):
                found[item.findtext(f"{_NS}Key")] = int(item.findtext(f"{_NS}Size"))
            token = root.findtext(f"{_NS}NextContinuationToken")
            if root.findtext(f"{_NS}IsTruncated") != "true":
                return found

    def uploads(self, bucket, prefix=""):
        """Keys of the unfinished uploads."""
        root = ET.fromstring(self.ok("GET", bucket, {"uploads": "", "prefix": prefix})[1])
        return sorted(item.findtext(f"{_NS}Key") for item in root.iter(f"{_NS}Upload"))

    def begin_upload(self, bucket, key):
        return ET.fromstring(self.ok("POST", f"{bucket}/{key}", {"uploads": ""})[1]).findtext(f"{_NS}UploadId")
