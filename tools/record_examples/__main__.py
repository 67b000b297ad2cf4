"""Walk, record, write `api/examples.json`, and say which operations have no example."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import msgspec

from tools.record_examples.people import arrive
from tools.record_examples.recorder import Recorder
from tools.record_examples.walk_cases import apply_for_things, ask_by_password
from tools.record_examples.walk_citizens import leave, prove_oneself
from tools.record_examples.walk_clerks import handle_cases, manage_clerks
from tools.record_examples.walk_messages import hear_of_it
from tools.record_examples.walk_others import act_for_others
from tools.record_examples.walk_payments import pay
from tools.record_examples.walk_platform import follow_deliveries, listen, take_at_counter
from tools.record_examples.walk_public import look_around
from tools.record_examples.walk_publish import publish
from tools.record_examples.walk_reconciliation import reconcile, slow_refunds

EXAMPLES = Path(__file__).resolve().parents[2] / "api" / "examples.json"


def main() -> int:
    """Exit status 1, and nothing written, where a call was refused."""
    parser = argparse.ArgumentParser(prog="python -m tools.record_examples")
    parser.add_argument("address", help="of the service, such as http://127.0.0.1:8000")
    parser.add_argument("folder", type=Path, help="its DATA_DIR")
    arguments = parser.parse_args()
    recorder = Recorder(arguments.address, arguments.folder)
    walk(recorder)
    shown = [msgspec.to_builtins(exchange) for exchange in recorder.plain_exchanges()]
    shown.sort(key=lambda e: (*reversed(e["operation"].split()), e["status"]))
    EXAMPLES.write_text(json.dumps(shown, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{len(shown)} examples; without one:", *recorder.unrecorded(), sep="\n  ")
    return 0


def walk(recorder: Recorder) -> None:
    """Everything once, in an order in which it can be done."""
    look_around(recorder)
    here = arrive(recorder, "wechat", name="测试甲", phone="13800001234")
    prove_oneself(recorder, here)
    department = listen(recorder)
    applied = apply_for_things(recorder, here, department)
    ask_by_password(recorder, applied)
    take_at_counter(recorder, department)
    follow_deliveries(recorder, department)
    publish(recorder, department)
    slow_refunds(recorder, here)
    pay(recorder, here, department)
    reconcile(recorder, here, department)
    hear_of_it(recorder, here)
    organisation_id = act_for_others(recorder, here)
    handle_cases(recorder, here, organisation_id)
    manage_clerks(recorder)
    leave(recorder, here)


if __name__ == "__main__":
    sys.exit(main())
