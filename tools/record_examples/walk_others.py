"""Acting for others: a written authority, an organisation with its people."""

from __future__ import annotations

import secrets

from stdnum.cn import uscc

from tools.record_examples.people import Citizen, arrive
from tools.record_examples.plain_values import days_ahead
from tools.record_examples.recorder import Recorder

# The specimen of GB 32100, no organisation's. A code is confirmed once: it only stands for
# the one of this recording.
CREDIT_CODE = "91350100M000100Y43"
INVITATION = "7KQ2M8XH4TRB"


def act_for_others(recorder: Recorder, here: Citizen) -> str:
    """An authority from its offer to its end; an organisation that waits for a clerk."""
    agent = arrive(recorder, "alipay", name="测试丁")
    body = {
        "scopes": ["apply", "progress"],
        "until": days_ahead(30),
        "invitation_code": _invited(recorder, agent),
        "service_codes": [recorder.demonstration["services"]["needs_correction"]],
    }
    offered = recorder.call(here, "POST /v1/agents", body)["authority_id"]
    accept = "POST /v1/agents/{authority_id}/acceptance"
    recorder.call(agent, accept, authority_id=offered)
    recorder.call(here, "GET /v1/agents")
    recorder.call(here, "DELETE /v1/agents/{authority_id}", authority_id=offered)
    return _claim(recorder, here, agent)


def _invited(recorder: Recorder, whom: Citizen) -> str:
    code: str = recorder.call(whom, "POST /v1/agents/invitations")["code"]
    recorder.plain.show(code, INVITATION)
    return code


def _claim(recorder: Recorder, here: Citizen, colleague: Citizen) -> str:
    credit_code = _new_credit_code()
    recorder.plain.show(credit_code, CREDIT_CODE)
    claim = {
        "credit_code": credit_code,
        "name": "演示有限公司",
        "role": "legal_representative",
    }
    claimed = recorder.call(here, "POST /v1/organisations", claim)["organisation_id"]
    base = "/v1/organisations/{organisation_id}"
    wanted = {"invitation_code": _invited(recorder, colleague), "role": "handler"}
    recorder.call(here, f"POST {base}/members", wanted, organisation_id=claimed)
    recorder.call(colleague, f"POST {base}/acceptance", organisation_id=claimed)
    recorder.call(here, "GET /v1/organisations")
    recorder.call(here, f"GET {base}/members", organisation_id=claimed)
    both = {"organisation_id": claimed, "citizen_id": colleague.citizen_id}
    recorder.call(here, f"DELETE {base}/members/{{citizen_id}}", **both)
    return str(claimed)


def _new_credit_code() -> str:
    """Of the right form (GB 32100), in an area that does not exist."""
    begin = f"91999000{secrets.randbelow(10**9):09d}"
    return begin + str(uscc.calc_check_digit(begin))
