"""How an item is handled, as data: its form, its steps, its payment, its decision rules.

A process is part of a guide's version, so a case keeps the one it began under. What a
form may ask, which steps there are and what the rules say is edited without code and
checked when the guide is published (`check_process` in `api/rules.py`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from api.kinds import Label, ShortText, Text

FieldName = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{0,39}\Z", examples=["reason"])]
FieldKind = Literal[
    "text", "number", "date", "phone", "identity_number", "choice", "region", "yes_no"
]
# Kinds of questions whose answers say nothing of a person.
IMPERSONAL = frozenset({"number", "choice", "yes_no"})
Stage = Literal["pre_check", "acceptance", "review", "decision", "completion", "delivery"]
RuleName = Literal["eligibility", "completeness", "fee", "instant"]


class Choice(Struct, frozen=True, forbid_unknown_fields=True):
    """One of the values a `choice` field takes."""

    code: Annotated[str, Meta(pattern=r"\A[0-9a-z_]{1,40}\Z")]
    label: Label


class FormField(Struct, frozen=True, forbid_unknown_fields=True):
    """One question of the form. `minimum` and `maximum` bound a number; `max_length` characters.

    `prefill` names what the profile knows, so that nobody types it twice.
    """

    name: FieldName
    label: Label
    kind: FieldKind = "text"
    required: bool = True
    max_length: Annotated[int, Meta(ge=1, le=2000)] = 200
    minimum: int | None = None
    maximum: int | None = None
    choices: Annotated[list[Choice], Meta(max_length=50)] = []
    hint: Text | None = None
    prefill: Literal["name", "id_number", "phone"] | None = None


class ProcessStep(Struct, frozen=True, forbid_unknown_fields=True):
    """One step: its stage, who does it, and the working days it may take."""

    name: Label
    stage: Stage
    actor: Literal["department", "system"] = "department"
    limit_days: Annotated[int, Meta(ge=0, le=365)] | None = None


class PaymentDue(Struct, frozen=True, forbid_unknown_fields=True):
    """That a fee is due, and after which stage the case waits for it.

    The amount is the `fee` table's where there is one, else the guide's fixed fees. Where
    `without_case`, nobody applies: a citizen has a bill made (`POST /v1/bills`) and pays it. Such
    an item has no other table, asks for no more than basic assurance, and its form asks only
    numbers, choices, yes or no, which go on record with the bill.
    """

    after: Literal["acceptance", "review", "decision"] = "decision"
    without_case: bool = False


class Rules(Struct, frozen=True, forbid_unknown_fields=True):
    """Decision tables, each a whole JSON Decision Model (JDM) document of GoRules zen.

    `eligibility` → `{eligible: bool, reason}`; `completeness` → `{required: [material_id]}`
    for materials whose necessity is conditional; `fee` → `{amount_fen, basis}`; `instant` →
    `{approve: bool, reason}`. They see `{form, applicant, service, today}`.
    """

    eligibility: dict[str, Any] | None = None
    completeness: dict[str, Any] | None = None
    fee: dict[str, Any] | None = None
    instant: dict[str, Any] | None = None


class Process(Struct, frozen=True, forbid_unknown_fields=True):
    """How one item is handled. Without one, an item has the steps of `STANDARD_STEPS`."""

    form: Annotated[list[FormField], Meta(max_length=60)] = []
    steps: Annotated[list[ProcessStep], Meta(max_length=12)] = []
    payment: PaymentDue | None = None
    rules: Rules = Rules()
    corrections_most: Annotated[int, Meta(ge=0, le=5)] = 3
    assurance_level: Literal["basic", "verified", "face"] = "basic"
    result_certificate: ShortText | None = None


STANDARD_STEPS = (
    ProcessStep("受理", "acceptance"),
    ProcessStep("审查", "review"),
    ProcessStep("决定", "decision"),
    ProcessStep("办结", "completion"),
    ProcessStep("送达", "delivery"),
)


class ProcessAnswer(Struct, frozen=True):
    """What callers read of a process: what will be asked and how it goes on, without its tables.

    `instant_approval`: some cases are decided by the system at once. `fee_by_form`: the amount
    depends on the answers.
    """

    form: list[FormField]
    steps: list[ProcessStep]
    payment: PaymentDue | None
    fee_by_form: bool
    instant_approval: bool
    assurance_level: Literal["basic", "verified", "face"]
    corrections_most: int


def show_process(process: Process) -> ProcessAnswer:
    """A process as callers read it; one without steps has the standard ones."""
    return ProcessAnswer(
        form=process.form,
        steps=process.steps or list(STANDARD_STEPS),
        payment=process.payment,
        fee_by_form=process.rules.fee is not None,
        instant_approval=process.rules.instant is not None,
        assurance_level=process.assurance_level,
        corrections_most=process.corrections_most,
    )
