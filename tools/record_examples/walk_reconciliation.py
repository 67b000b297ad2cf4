"""A day's books against the channel's bill: what is on its way, read by a department's system
and settled by a cashier."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta, timezone

from tools.record_examples.people import Citizen, cashier
from tools.record_examples.recorder import Recorder, Who
from tools.record_examples.walk_platform import until

CHINA = timezone(timedelta(hours=8))


def slow_refunds(recorder: Recorder, here: Citizen) -> None:
    """From now on refunds stay on their way, and the day's bill is there before it is over."""
    wish = {"bills": "at_once", "refund_seconds": None}
    recorder.control(here.channel, "PUT", "/policy", wish)


def reconcile(recorder: Recorder, here: Citizen, department: Who) -> None:
    """After `slow_refunds` and a refund."""
    until(lambda: recorder.control(here.channel, "GET", "/refunds")["items"])
    day = f"{datetime.now(CHINA).date()}"
    command = ("reconcile", day, "--channel", here.channel)
    ran = subprocess.run(
        ["/usr/bin/env", f"DATA_DIR={recorder.folder}", sys.executable, "-m", "api", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ran.returncode > 1:
        raise SystemExit(ran.stdout)
    platform = "GET /v1/platform/reconciliations/{date}"
    recorder.call(department, platform, date=day, channel=here.channel)
    clerk = cashier(recorder)
    page = recorder.call(clerk, "GET /v1/clerk/reconciliations/{date}", date=day)
    for item in page["items"]:
        recorder.plain.show(item["channel_payment_id"], "4200002026112300000000000001")
        recorder.plain.show(item["channel_refund_id"], "50300002026112300000000000001")
    waiting = [i for i in page["items"] if i["status"] in ("open", "explained")]
    recorder.call(
        clerk,
        "POST /v1/clerk/reconciliation-differences/{difference_id}/resolution",
        {"note": "退款在途，次日到账"},
        difference_id=waiting[0]["difference_id"],
    )
