"""What a guide says that its process must fit."""

from __future__ import annotations

from api.catalogue.schemas import Guide
from api.rules import GuideFacts, MaterialFacts

_DAYS = ("working_day", "calendar_day")


def process_facts(guide: Guide) -> GuideFacts:
    """Of a guide what its process is checked against; a limit under one day is none."""
    limit = guide.promised_limit
    promised_days = None if limit is None else limit.value if limit.unit in _DAYS else 0
    fixed = [fee.amount_fen for fee in guide.fees]
    known = [amount for amount in fixed if amount is not None]
    return GuideFacts(
        materials=tuple(MaterialFacts(m.material_id, m.necessity) for m in guide.materials),
        promised_days=promised_days,
        charged=guide.charged,
        fixed_fee_fen=sum(known) if fixed and len(known) == len(fixed) else None,
    )
