"""What somebody is told, and what they want to be told."""

from __future__ import annotations

from tools.record_examples.people import Citizen
from tools.record_examples.recorder import Recorder
from tools.record_examples.walk_platform import until


def hear_of_it(recorder: Recorder, here: Citizen) -> None:
    """The messages about the cases, and the answers that the app got."""
    mine = "GET /v1/me/messages"
    told = ("accepted", "delivered")
    until(
        lambda: any(
            message["status"] in told
            for message in recorder.call(here, mine, kept=False, limit=100)["items"]
        )
    )
    recorder.call(here, mine, limit=2)
    wishes = [
        {"kind": "correction_needed", "wanted": True},
        {"kind": "case_moved", "wanted": False},
    ]
    recorder.call(here, "POST /v1/subscriptions", {"channel": "wechat", "wishes": wishes})
    for kind in recorder.call(here, "GET /v1/subscriptions")["items"]:
        recorder.plain.show(kind["template_id"], f"template-of-{kind['kind']}")
