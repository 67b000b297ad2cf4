"""A department's system: it listens, takes cases at a counter, pushes events, publishes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tools.record_examples.people import department_of
from tools.record_examples.plain_values import CHINA
from tools.record_examples.recorder import Recorder, Who

PATIENCE_SECONDS = 30
QUERY_PASSWORD = "4TRB7KQ2M8XH"  # noqa: S105 (stands for one)
RECEIVER = "https://partner.example.gov.cn/zhangban"
WEBHOOK_SECRET = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"  # noqa: S105 (stands for one)


class _Receiver(BaseHTTPRequestHandler):
    """Takes every webhook."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


def listen(recorder: Recorder) -> Who:
    """The department, with a webhook that is delivered from now on."""
    department = department_of(recorder)
    recorder.plain.show(recorder.demonstration["platform"]["key_id"], "pk_0123456789abcdef")
    recorder.call(department, "GET /v1/platform/usage")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/zhangban"
    recorder.plain.show(url, RECEIVER)
    wanted = {"url": url, "events": ["case.moved"]}
    made = recorder.call(department, "POST /v1/platform/webhooks", wanted)
    recorder.plain.show(made["secret"], WEBHOOK_SECRET)
    recorder.call(department, "GET /v1/platform/webhooks")
    one = "GET /v1/platform/webhooks/{webhook_id}"
    recorder.call(department, one, webhook_id=made["webhook_id"])
    return department


def push_event(recorder: Recorder, who: Who, case_no: str, kind: str, **said: Any) -> None:
    """What became of a case."""
    path = "/v1/platform/cases/{case_no}/events"
    recorder.call(who, f"POST {path}", _event(case_no, kind, **said), case_no=case_no)


def _event(case_no: str, kind: str, **said: Any) -> dict[str, Any]:
    now = datetime.now(CHINA).isoformat()
    return {"event_id": f"{case_no}-{kind}", "type": kind, "occurred_at": now, **said}


def take_at_counter(recorder: Recorder, department: Who) -> None:
    """A number, the case, how it stands, and a batch of what became of it."""
    asked = {"service_code": recorder.demonstration["services"]["needs_correction"]}
    minted = recorder.call(department, "POST /v1/platform/case-numbers", asked)
    case_no = minted["case_no"]
    case = {**asked, "applicant": {"name": "测试丙", "phone": "13800001236"}}
    path = "/v1/platform/cases/{case_no}"
    taken = recorder.call(department, f"PUT {path}", case, case_no=case_no)
    recorder.plain.show(taken["query_password"], QUERY_PASSWORD)
    # Safe to repeat: the second time it says how the case stands.
    recorder.call(department, f"PUT {path}", case, case_no=case_no)
    batch = [
        {"case_no": case_no, **_event(case_no, "accepted")},
        {"case_no": case_no, **_event(case_no, "completed", result={"code": "0"})},
    ]
    recorder.call(department, "POST /v1/platform/events", {"events": batch})
    recorder.call(department, f"GET {path}", case_no=case_no)


def follow_deliveries(recorder: Recorder, department: Who) -> None:
    """Look at what was delivered to the webhook, have it sent again, listen no more."""
    sent = "GET /v1/platform/webhooks/deliveries"
    items = until(lambda: recorder.call(department, sent, kept=False, status="delivered")["items"])
    recorder.call(department, sent, status="delivered", limit=1)
    webhook_id, delivery_id = items[-1]["webhook_id"], items[-1]["delivery_id"]
    base = "/v1/platform/webhooks/{webhook_id}"
    one = f"GET {base}/deliveries"
    recorder.call(department, one, webhook_id=webhook_id, status="delivered", limit=1)
    replay = "POST /v1/platform/webhooks/deliveries/{delivery_id}/replay"
    recorder.call(department, replay, delivery_id=delivery_id)
    both = {"webhook_id": webhook_id, "delivery_id": items[0]["delivery_id"]}
    recorder.call(department, f"POST {base}/deliveries/{{delivery_id}}/replay", **both)
    recorder.call(department, f"DELETE {base}", webhook_id=webhook_id)


def until(look: Callable[[], Any]) -> Any:
    """What is seen, as soon as something is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise SystemExit("it did not happen in time")
        time.sleep(0.2)
    return seen
