"""An example partner of Zhangban's open platform, made of public libraries only.

It signs its calls (RFC 9421), takes a number for a case at its counter, files the case,
tells how the case moves, and receives each move back as a signed webhook.

    python partner.py --demonstration ../../.data/demonstration.json
"""

from __future__ import annotations

import argparse
import json
import secrets
import threading
import time
from collections.abc import Generator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms
from standardwebhooks import Webhook, WebhookVerificationError


class Signed(httpx.Auth):
    """Signs every request with the platform's key."""

    requires_request_body = True

    def __init__(self, key: dict[str, str]) -> None:
        self.key_id = key["key_id"]
        algorithm: type[algorithms.HTTPSignatureAlgorithm] = algorithms.ED25519
        if key["algorithm"] == "hmac-sha256":
            algorithm = algorithms.HMAC_SHA256
        material = (key.get("secret") or key["private_key_pem"]).encode()
        keys = MappingKeyResolver(public_keys={}, private_keys={self.key_id: material})
        self.signer = HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=keys)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """A new nonce each time: a request that is sent again is signed again."""
        self.signer.sign(
            request,
            key_id=self.key_id,
            nonce=secrets.token_urlsafe(16),
            covered_component_ids=("@method", "@target-uri", "content-digest"),
            body=request.content,
        )
        yield request


class Inbox:
    """Receives webhooks: verifies first, forgets repeats, keeps the newest state of each case."""

    def __init__(self, port: int) -> None:
        self.webhook: Webhook | None = None
        self.seen: set[str] = set()
        self.cases: dict[str, dict[str, Any]] = {}
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            """Hands each POST to the inbox."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(inbox.take(dict(self.headers.items()), body))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens. In production this is https."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/zhangban"

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """The status to answer: 204 only for what is proven and kept."""
        if self.webhook is None:
            return 503
        try:
            event = self.webhook.verify(body, headers)
        except WebhookVerificationError:
            return 400
        message_id = {name.lower(): value for name, value in headers.items()}["webhook-id"]
        if message_id not in self.seen:
            self.seen.add(message_id)
            data = event["data"]
            known = self.cases.get(data["case_no"])
            # Deliveries may overtake each other: the version says which is newer.
            if known is None or known["version"] < data["version"]:
                self.cases[data["case_no"]] = data
            print(f"  webhook: {data['event']['type']:<10} version {data['version']}")
        return 204


def main() -> int:
    """Walk through it once; exit status 0 when every move came back."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demonstration", type=Path, required=True)
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    parser.add_argument("--listen", type=int, default=0, help="port of the inbox; 0: any")
    arguments = parser.parse_args()
    given = json.loads(arguments.demonstration.read_text())
    with httpx.Client(base_url=arguments.address, auth=Signed(given["platform"])) as api:
        return walk(api, given["services"]["needs_correction"], Inbox(arguments.listen))


def walk(api: httpx.Client, service_code: str, inbox: Inbox) -> int:
    """Listen, file a case, move it, hear of it, listen no more."""
    usage = call(api, "GET", "/v1/platform/usage")
    print(f"called today: {usage['used_today']} of {usage['quota']}")

    events = ["case.moved"]
    made = call(api, "POST", "/v1/platform/webhooks", {"url": inbox.url, "events": events})
    inbox.webhook = Webhook(made["secret"])
    try:
        return file_case(api, service_code, inbox)
    finally:
        call(api, "DELETE", f"/v1/platform/webhooks/{made['webhook_id']}")


def file_case(api: httpx.Client, service_code: str, inbox: Inbox) -> int:
    """A case taken at the counter, from its number to its end."""
    asked = {"service_code": service_code}
    case_no = call(api, "POST", "/v1/platform/case-numbers", asked)["case_no"]
    case = {**asked, "applicant": {"name": "测试申请人"}}
    taken = call(api, "PUT", f"/v1/platform/cases/{case_no}", case)
    print(f"case {case_no}: {taken['status']}, version {taken['version']}")

    pushed = ("accepted", "reviewed", "decided", "completed")
    version = 0
    for event_type in pushed:
        event: dict[str, Any] = {
            "event_id": f"{case_no}-{event_type}",
            "type": event_type,
            "occurred_at": datetime.now().astimezone().isoformat(timespec="seconds"),
            "note": "由示例平台推送",
        }
        if event_type == "completed":
            event["result"] = {"code": "0", "name": "示例证照"}
        moved = call(api, "POST", f"/v1/platform/cases/{case_no}/events", event)
        version = moved["version"]
        print(f"  pushed:  {event_type:<10} applied {moved['applied']}")

    deadline = time.monotonic() + 30
    while inbox.cases.get(case_no, {}).get("version", 0) < version and time.monotonic() < deadline:
        time.sleep(0.1)
    known = inbox.cases.get(case_no)
    print(f"the inbox says: {known['status'] if known else 'nothing'}")
    return 0 if known and known["version"] == version else 1


def call(api: httpx.Client, method: str, path: str, body: object = None) -> Any:
    """One signed call; what the service says of an error is shown as it is."""
    answer = api.request(method, path, json=body)
    if answer.is_error:
        raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text}")
    return answer.json() if answer.content else None


if __name__ == "__main__":
    raise SystemExit(main())
