# SPDX-License-Identifier: Apache-2.0
"""Scripted endpoints that give credentials: EC2's metadata service, a container's endpoint, STS. Each answer ends after `lasts` seconds."""
import datetime
import http.server
import json
import threading
import urllib.parse


class Metadata:
    """As a context, on loopback. keys(): what to give out, as (access, secret, token). It counts what it is asked, and notes what was wrong."""

    def __init__(self, keys, lasts=3600, authorization=None, web_token=None):
        self.keys, self.lasts, self.authorization, self.web_token = keys, lasts, authorization, web_token
        self.given, self.wrong, self.down = 0, [], False
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_args):      # pylint: disable=arguments-differ
                pass

            def _answer(self, status, body, kind="application/json"):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def do_PUT(self):                   # pylint: disable=invalid-name
                owner.put(self)

            def do_GET(self):                   # pylint: disable=invalid-name
                owner.get(self)

            def do_POST(self):                  # pylint: disable=invalid-name
                owner.post(self, self.rfile.read(int(self.headers["Content-Length"])).decode())

            answer = _answer

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def _document(self):
        self.given += 1
        access, secret, token = self.keys()
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.lasts)
        return {"Code": "Success", "AccessKeyId": access, "SecretAccessKey": secret, "Token": token, "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def put(self, handler):
        if self.down or handler.path != "/latest/api/token" or "X-aws-ec2-metadata-token-ttl-seconds" not in handler.headers:
            return handler.answer(403, "")
        return handler.answer(200, "imds-token", "text/plain")

    def get(self, handler):
        if self.down:
            return handler.answer(500, "")
        if handler.path == "/container":
            if self.authorization and handler.headers.get("Authorization") != self.authorization():
                self.wrong.append("authorization")
                return handler.answer(401, "")
            return handler.answer(200, json.dumps(self._document()))
        if handler.headers.get("X-aws-ec2-metadata-token") != "imds-token":
            self.wrong.append("no token")
            return handler.answer(401, "")
        base = "/latest/meta-data/iam/security-credentials/"
        if handler.path == base:
            return handler.answer(200, "labrole\n", "text/plain")
        return handler.answer(200, json.dumps(self._document())) if handler.path == base + "labrole" else handler.answer(404, "")

    def post(self, handler, body):
        form = dict(urllib.parse.parse_qsl(body))
        if self.down or form.get("Action") != "AssumeRoleWithWebIdentity" or form.get("WebIdentityToken") != self.web_token():
            self.wrong.append("web identity")
            return handler.answer(400, "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>", "text/xml")
        d = self._document()
        return handler.answer(200, "<AssumeRoleWithWebIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><AssumeRoleWithWebIdentityResult>"
                              f"<Credentials><AccessKeyId>{d['AccessKeyId']}</AccessKeyId><SecretAccessKey>{d['SecretAccessKey']}</SecretAccessKey>"
                              f"<SessionToken>{d['Token']}</SessionToken><Expiration>{d['Expiration']}</Expiration></Credentials>"
                              "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>", "text/xml")

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exc):
        self._server.shutdown()
        self._server.server_close()
