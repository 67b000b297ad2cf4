"""How a case moves: the only table, with the words for it. Imports nothing.

`CELLS` says for every status and every event what follows. A department's systems tell
us late, twice and out of order, so events may skip statuses forward; what cannot be in
any order is absent. Three kinds of event settle where a case stands:

- a *stage* brings the case to its own status, from any earlier one;
- a *stop* (correction, suspension, payment) lays a status over the stage reached, which
  `resume_status` keeps;
- a *go* (corrected, resumed, paid) takes the stop away.

The others (`extended`, `transferred`, `evaluated`) change no status.
`python -m api diagram` draws `MOVES`.
"""

STAGES = {
    "draft": 0,
    "submitted": 1,
    "pre_checked": 2,
    "returned": 3,
    "accepted": 4,
    "reviewed": 5,
    "decided": 6,
    "completed": 7,
    "delivered": 8,
}
"""Statuses that are stages, in their order."""

STOPS = {
    "correction_requested": "awaiting_correction",
    "suspended": "suspended",
    "payment_requested": "awaiting_payment",
}
"""What brings a case to stand still, and the status it then has."""

GOES = {"corrected", "resumed", "paid"}
STANDING = frozenset(STOPS.values())
STATUSES = (*STAGES, *STOPS.values(), "withdrawn")

OUTSIDE_EVENTS = (
    "pre_checked",
    "returned",
    "accepted",
    "correction_requested",
    "suspended",
    "resumed",
    "extended",
    "reviewed",
    "payment_requested",
    "paid",
    "decided",
    "completed",
    "delivered",
    "transferred",
)
"""What departments tell."""

CITIZEN_EVENTS = ("submitted", "corrected", "withdrawn", "evaluated")
EVENTS = (*CITIZEN_EVENTS, *OUTSIDE_EVENTS)

# Of events with the same time the one of the earlier place is the earlier one.
ORDER = {
    "submitted": 10,
    "pre_checked": 20,
    "returned": 21,
    "accepted": 30,
    "correction_requested": 40,
    "corrected": 41,
    "suspended": 42,
    "resumed": 43,
    "extended": 44,
    "transferred": 45,
    "reviewed": 50,
    "payment_requested": 60,
    "paid": 61,
    "decided": 70,
    "completed": 80,
    "delivered": 90,
    "evaluated": 91,
    "withdrawn": 92,
}

RESUME = "(where it stood)"
STAY = "(unchanged)"

# What only happens to accepted cases says that this one is: its acceptance is still to be told.
_BEFORE_ACCEPTANCE = {
    "pre_checked": "pre_checked",
    "returned": "returned",
    "accepted": "accepted",
    "correction_requested": "awaiting_correction",
    "suspended": "suspended",
    "resumed": "accepted",
    "extended": STAY,
    "reviewed": "reviewed",
    "payment_requested": "awaiting_payment",
    "paid": "accepted",
    "decided": "decided",
    "completed": "completed",
    "delivered": "delivered",
    "transferred": STAY,
    "withdrawn": "withdrawn",
}
_IN_HAND = {
    "correction_requested": "awaiting_correction",
    "suspended": "suspended",
    "resumed": STAY,
    "extended": STAY,
    "reviewed": "reviewed",
    "payment_requested": "awaiting_payment",
    "paid": STAY,
    "decided": "decided",
    "completed": "completed",
    "delivered": "delivered",
    "transferred": STAY,
    "withdrawn": "withdrawn",
}

CELLS: dict[str, dict[str, str]] = {
    "draft": {"submitted": "submitted"},
    "submitted": _BEFORE_ACCEPTANCE,
    "pre_checked": {**_BEFORE_ACCEPTANCE, "pre_checked": STAY},
    "returned": {
        "submitted": "submitted",
        "returned": STAY,
        "accepted": "accepted",
        "reviewed": "reviewed",
        "decided": "decided",
        "completed": "completed",
        "delivered": "delivered",
        "withdrawn": "withdrawn",
    },
    "accepted": {**_IN_HAND, "accepted": STAY},
    "reviewed": {**_IN_HAND, "reviewed": STAY},
    "awaiting_correction": {
        "corrected": RESUME,
        "extended": STAY,
        "accepted": "accepted",
        "reviewed": "reviewed",
        "paid": STAY,
        "decided": "decided",
        "completed": "completed",
        "delivered": "delivered",
        "transferred": STAY,
        "withdrawn": "withdrawn",
    },
    # A department's `paid` says that the suspension before it is over; its `resumed` is late.
    "suspended": {**_IN_HAND, "suspended": STAY, "resumed": RESUME, "paid": RESUME},
    "awaiting_payment": {
        **_IN_HAND,
        "payment_requested": STAY,
        "paid": RESUME,
        "resumed": RESUME,
    },
    "decided": {
        "decided": STAY,
        "resumed": STAY,
        "payment_requested": "awaiting_payment",
        "paid": STAY,
        "completed": "completed",
        "delivered": "delivered",
        "transferred": STAY,
    },
    "completed": {"delivered": "delivered", "evaluated": STAY},
    "delivered": {"evaluated": STAY},
    "withdrawn": {},
}

MOVES = {
    "(none)": {"begun": "draft", "taken at a counter": "submitted"},
    **{
        status: {
            event: target
            for event, target in cells.items()
            if target not in (STAY, RESUME) and target != status
        }
        for status, cells in CELLS.items()
    },
}
for _stop in STANDING:
    for _event, _target in CELLS[_stop].items():
        if _target == RESUME:
            MOVES[_stop][_event] = "accepted"
"""As the drawing takes it: a stop is drawn going back to where most of them began."""

LABELS = {
    "draft": ("待提交", "Draft"),
    "submitted": ("待预审", "Waiting for the pre-check"),
    "returned": ("预审退回", "Returned by the pre-check"),
    "pre_checked": ("待受理", "Waiting for acceptance"),
    "accepted": ("审批中", "Being handled"),
    "awaiting_correction": ("待补正", "Waiting for your corrections"),
    "suspended": ("审批中", "Being handled"),
    "awaiting_payment": ("待缴费", "Waiting for your payment"),
    "reviewed": ("审批中", "Being handled"),
    "decided": ("审批中", "Being handled"),
    "completed": ("已办结", "Completed"),
    "delivered": ("已办结", "Completed"),
    "withdrawn": ("已撤回", "Withdrawn"),
}
"""What a citizen reads of a status."""

TO_EVALUATE = ("待评价", "Completed, waiting for your evaluation")

STATUS_NAMES = {
    "draft": ("草稿", "draft"),
    "submitted": ("已提交", "submitted"),
    "returned": ("预审退回", "returned"),
    "pre_checked": ("预审通过", "pre-checked"),
    "accepted": ("已受理", "accepted"),
    "awaiting_correction": ("待补正", "awaiting correction"),
    "suspended": ("特别程序", "suspended"),
    "awaiting_payment": ("待缴费", "awaiting payment"),
    "reviewed": ("已审查", "reviewed"),
    "decided": ("已决定", "decided"),
    "completed": ("已办结", "completed"),
    "delivered": ("已送达", "delivered"),
    "withdrawn": ("已撤回", "withdrawn"),
}
"""What clerks and departments read of a status."""

EVENT_LABELS = {
    "submitted": ("提交申请", "Submitted"),
    "corrected": ("提交补正", "Corrections handed in"),
    "withdrawn": ("撤回申请", "Withdrawn"),
    "evaluated": ("完成评价", "Evaluated"),
    "pre_checked": ("预审通过", "Pre-check passed"),
    "returned": ("预审退回", "Returned by the pre-check"),
    "accepted": ("受理", "Accepted"),
    "correction_requested": ("补正告知", "Corrections asked for"),
    "suspended": ("特别程序开始", "Special procedure begun"),
    "resumed": ("恢复办理", "Resumed"),
    "extended": ("延长期限", "Time limit extended"),
    "reviewed": ("审查完成", "Reviewed"),
    "payment_requested": ("通知缴费", "Payment asked for"),
    "paid": ("已缴费", "Paid"),
    "decided": ("作出决定", "Decided"),
    "completed": ("办结", "Completed"),
    "delivered": ("送达", "Delivered"),
    "transferred": ("转办", "Transferred"),
}

RESULT_CODES = {
    "0": ("出证办结", "certificate issued"),
    "1": ("不予许可", "licence refused"),
    "2": ("作废办结", "void"),
    "3": ("删除办结", "deleted"),
    "4": ("转报办结", "forwarded up"),
    "5": ("退回办结", "returned"),
    "6": ("不予受理", "not accepted"),
}
REFUSALS = frozenset({"1", "6"})

OPEN = frozenset(STATUSES) - {"draft", "completed", "delivered", "withdrawn"}
"""Cases that somebody still has to do something about."""

TERMINAL = frozenset({"delivered", "withdrawn"})


def stage_of(status: str, resume_status: str | None) -> str:
    """The stage reached, which a stop only hides."""
    return resume_status or "accepted" if status in STANDING else status


def resume_stage(event: str, stage: str) -> str:
    """Where a case will go on after a stop that comes at this stage.

    A correction before acceptance brings the case before the pre-check again; the other
    stops can only be ordered in accepted cases.
    """
    if STAGES[stage] >= STAGES["accepted"]:
        return stage
    return "submitted" if event == "correction_requested" else "accepted"


def label_of(status: str, *, evaluated: bool) -> tuple[str, str]:
    """What a citizen reads, in Chinese and English."""
    if status in ("completed", "delivered") and not evaluated:
        return TO_EVALUATE
    return LABELS[status]


def target_of(event: str, status: str, stage: str) -> str | None:
    """Where an event brings a case (a status, STAY or RESUME), or None: impossible.

    What a stop hides still counts: no review after a decision that only waits for money.
    """
    target = CELLS[status].get(event)
    if target is None or status not in STANDING or event in GOES:
        return target
    if event in CELLS[stage] or STOPS.get(event) == status:
        return target
    return None
