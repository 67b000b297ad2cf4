"""What decision tables decide about a case, and whether a process may be published.

Four tables may stand in a process. Each sees the same facts and promises its own answer;
an answer that is not the promised one is `TableFailed`, never a guess. `check_process`
finds every fault before a process is published: who publishes mends it, not the citizen.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from api.errors import FieldError
from api.processes import IMPERSONAL, FormField, Process, RuleName, Rules
from api.tables import Table, TableFailed, TableFault, compile_table

SAMPLES = 64
FEE_MOST_FEN = 10_000_000_000_00

APPLICANT = frozenset({"kind", "age", "assurance_level"})
SERVICE = frozenset({"service_code", "name", "region_code"})


class Eligibility(Struct, frozen=True):
    """Whether the case may be submitted, and if not, why: words for the citizen."""

    eligible: bool
    reason: str | None = None


class Completeness(Struct, frozen=True):
    """The conditional materials that are required here, by `material_id`."""

    required: list[str]


class FeeDue(Struct, frozen=True):
    """The fee in integer fen; 0 is nothing to pay. `basis` says how it comes about."""

    amount_fen: int
    basis: str | None = None


class Instant(Struct, frozen=True):
    """Whether the system itself may decide, at once and in the citizen's favour."""

    approve: bool
    reason: str | None = None


PROMISES: dict[RuleName, type[Struct]] = {
    "eligibility": Eligibility,
    "completeness": Completeness,
    "fee": FeeDue,
    "instant": Instant,
}


class ApplicantFacts(Struct, frozen=True):
    """What tables see of the applicant; `age` in full years where the identity is known."""

    kind: Literal["natural_person", "legal_person"]
    assurance_level: str
    age: int | None = None


class ServiceFacts(Struct, frozen=True):
    """What tables see of the item."""

    service_code: str
    name: str
    region_code: str


class Facts(Struct, frozen=True):
    """All that a table sees; `today` is a date in China, YYYY-MM-DD."""

    form: dict[str, Any]
    applicant: ApplicantFacts
    service: ServiceFacts
    today: str


class MaterialFacts(Struct, frozen=True):
    """Of a guide's material what a process is checked against."""

    material_id: str
    necessity: str | None = None


class GuideFacts(Struct, frozen=True):
    """Of a guide what a process is checked against. `fixed_fee_fen`: the sum of its fixed fees."""

    materials: tuple[MaterialFacts, ...] = ()
    promised_days: Annotated[int, Meta(ge=0)] | None = None
    charged: bool = False
    fixed_fee_fen: int | None = None


def find_eligibility(rules: Rules, facts: Facts) -> Eligibility:
    """Without a table everybody is eligible. Raises TableFailed."""
    return _ask(rules.eligibility, Eligibility, facts) or Eligibility(True)


def find_completeness(rules: Rules, facts: Facts) -> frozenset[str]:
    """The conditional materials required here; without a table none is. Raises TableFailed."""
    found = _ask(rules.completeness, Completeness, facts)
    return frozenset(found.required if found else ())


def find_fee(rules: Rules, facts: Facts, guide: GuideFacts) -> FeeDue | None:
    """The table's fee, else the guide's fixed ones, else None. Raises TableFailed."""
    found = _ask(rules.fee, FeeDue, facts)
    if found is None and guide.charged and guide.fixed_fee_fen is not None:
        return FeeDue(guide.fixed_fee_fen)
    return found


def find_instant(rules: Rules, facts: Facts) -> Instant:
    """Without a table, or where it fails, a person decides."""
    try:
        return _ask(rules.instant, Instant, facts) or Instant(False)
    except TableFailed:
        return Instant(False)


Promise = TypeVar("Promise", bound=Struct)


def _ask(document: dict[str, Any] | None, promise: type[Promise], facts: Facts) -> Promise | None:
    if document is None:
        return None
    try:
        table = compile_table(document)
    except TableFault:
        raise TableFailed from None
    return _read(table, promise, facts)


def _read(table: Table, promise: type[Promise], facts: Facts) -> Promise:
    result = table.evaluate(msgspec.to_builtins(facts))
    if not isinstance(result, dict):
        raise TableFailed
    # The engine counts in floating point.
    whole = {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in result.items()
        if name in promise.__struct_fields__
    }
    try:
        answer = msgspec.convert(whole, promise)
    except msgspec.ValidationError:
        raise TableFailed from None
    if isinstance(answer, FeeDue) and not 0 <= answer.amount_fen <= FEE_MOST_FEN:
        raise TableFailed
    return answer


def check_process(process: Process, guide: GuideFacts) -> list[FieldError]:
    """Every fault of a process, with paths under `process.`; an empty list means sound.

    One process serves the same item in a hundred places, so what was found is kept.
    """
    return list(_check(msgspec.json.encode((process, guide))))


@lru_cache(maxsize=512)
def _check(encoded: bytes) -> tuple[FieldError, ...]:
    process, guide = msgspec.json.decode(encoded, type=tuple[Process, GuideFacts])
    return (
        *_check_form(process.form),
        *_check_steps(process, guide),
        *_check_payment(process, guide),
        *_check_tables(process, guide),
    )


def _check_form(form: list[FormField]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for number, field in enumerate(form):
        path = f"process.form[{number}]"
        if field.name in seen:
            yield _fault(f"{path}.name", "form_field_repeated", field.name)
        seen.add(field.name)
        codes = [choice.code for choice in field.choices]
        if (field.kind == "choice") != bool(codes):
            yield _fault(f"{path}.choices", "choices_wrong", field.name)
        if len(set(codes)) != len(codes):
            yield _fault(f"{path}.choices", "choice_repeated", field.name)
        if not _is_bounded(field):
            yield _fault(f"{path}.minimum", "bounds_wrong", field.name)
        if field.prefill and field.kind != _PREFILLED[field.prefill]:
            yield _fault(f"{path}.prefill", "prefill_wrong", field.name)


_PREFILLED = {"name": "text", "id_number": "identity_number", "phone": "phone"}


def _is_bounded(field: FormField) -> bool:
    if field.kind != "number":
        return field.minimum is None and field.maximum is None
    return field.minimum is None or field.maximum is None or field.minimum <= field.maximum


def _check_steps(process: Process, guide: GuideFacts) -> Iterator[FieldError]:
    order = [STAGES.index(step.stage) for step in process.steps]
    for number, (before, after) in enumerate(pairwise(order), start=1):
        if after <= before:
            yield _fault(f"process.steps[{number}].stage", "steps_unordered")
    days = sum([step.limit_days or 0 for step in process.steps])
    if guide.promised_days is not None and days > guide.promised_days:
        yield _fault("process.steps", "step_limits_exceed_promise", days, guide.promised_days)


STAGES = ("pre_check", "acceptance", "review", "decision", "completion", "delivery")


def _check_payment(process: Process, guide: GuideFacts) -> Iterator[FieldError]:
    payment = process.payment
    if payment is None:
        if process.rules.fee is not None:
            yield _fault("process.rules.fee", "fee_without_payment")
        return
    if not guide.charged:
        yield _fault("process.payment", "payment_without_charge")
    if process.rules.fee is None and guide.fixed_fee_fen is None:
        yield _fault("process.payment", "payment_without_amount")
    if payment.without_case:
        yield from _check_paid_alone(process)
    elif process.steps and payment.after not in {step.stage for step in process.steps}:
        yield _fault("process.payment.after", "payment_after_no_step", payment.after)


def _check_paid_alone(process: Process) -> Iterator[FieldError]:
    if process.rules.eligibility or process.rules.completeness or process.rules.instant:
        yield _fault("process.rules", "paid_alone_decides")
    if process.assurance_level != "basic":
        yield _fault("process.assurance_level", "paid_alone_assured")
    for number, field in enumerate(process.form):
        if field.kind not in IMPERSONAL:
            yield _fault(f"process.form[{number}].kind", "paid_alone_asks", field.name)


def _check_tables(process: Process, guide: GuideFacts) -> Iterator[FieldError]:
    samples = list(_samples(process.form))
    for name, promise in PROMISES.items():
        document = getattr(process.rules, name)
        if document is None:
            continue
        path = f"process.rules.{name}"
        try:
            table = compile_table(document)
        except TableFault as fault:
            where = f"{path}.{fault.path}" if fault.path else path
            yield FieldError(where, fault.code, fault.detail, fault.english)
            continue
        unknown = list(_check_references(path, table, process.form))
        yield from unknown
        if not unknown:
            yield from _check_answers(path, table, promise, samples, guide)


def _check_references(path: str, table: Table, form: list[FormField]) -> Iterator[FieldError]:
    known = {
        "today",
        *(f"form.{field.name}" for field in form),
        *(f"applicant.{name}" for name in APPLICANT),
        *(f"service.{name}" for name in SERVICE),
    }
    for expression in table.expressions:
        for name in sorted(expression.references - known):
            if name.split(".")[0] not in table.produced:
                yield _fault(f"{path}.{expression.path}", "reference_unknown", name)


def _check_answers(
    path: str, table: Table, promise: type[Struct], samples: list[Facts], guide: GuideFacts
) -> Iterator[FieldError]:
    materials = {m.material_id for m in guide.materials if m.necessity == "conditional"}
    if promise is Completeness:
        for expression in table.outputs:
            for name in sorted(expression.literals - materials):
                yield _fault(f"{path}.{expression.path}", "material_not_conditional", name)
    for facts in samples:
        try:
            _read(table, promise, facts)
        except TableFailed:
            fields = ", ".join(promise.__struct_fields__)
            yield _fault(path, "answer_not_promised", fields)
            return


def _samples(form: list[FormField]) -> Iterator[Facts]:
    """An empty form, one with everything said, and from there one answer varied at a time."""
    said = {field.name: _answers(field)[0] for field in form}
    forms: list[dict[str, Any]] = [{}, said]
    for field in form:
        forms += [{**said, field.name: answer} for answer in _answers(field)[1:]]
    service = ServiceFacts("0" * 31, "示例", "440106000000")
    for number, answers in enumerate(forms[:SAMPLES]):
        person = ApplicantFacts("natural_person", "verified", None if number == 0 else 30)
        yield Facts(answers, person, service, "2026-11-22")
    yield Facts(said, ApplicantFacts("legal_person", "basic"), service, "2026-11-22")


def _answers(field: FormField) -> tuple[Any, ...]:
    if field.kind == "choice":
        return tuple(choice.code for choice in field.choices) or ("",)
    if field.kind == "number":
        low = field.minimum if field.minimum is not None else 0
        high = field.maximum if field.maximum is not None else low + 1_000_000
        return low, (low + high) // 2, high
    return _EXAMPLES[field.kind]


_EXAMPLES: dict[str, tuple[Any, ...]] = {
    "text": ("示例", ""),
    "date": ("2026-11-22", "1950-01-31"),
    "phone": ("13800000000",),
    # Test data: area 999000 is nobody's.
    "identity_number": ("999000199001010015",),
    "region": ("440106000000",),
    "yes_no": (True, False),
}


def _fault(field: str, code: str, *values: object) -> FieldError:
    chinese, english = WORDS[code]
    return FieldError(field, code, chinese.format(*values), english.format(*values))


WORDS: dict[str, tuple[str, str]] = {
    "form_field_repeated": ("表单字段“{0}”出现了两次。", "The form asks `{0}` twice."),
    "choices_wrong": (
        "“{0}”：选择题要有选项，其他题不能有选项。",
        "`{0}`: a choice needs choices, and nothing else has them.",
    ),
    "choice_repeated": ("“{0}”的选项代码重复。", "`{0}` has two choices with one code."),
    "bounds_wrong": (
        "“{0}”：只有数字题有上下限，且下限不大于上限。",
        "`{0}`: only a number has bounds, the lower not above the upper.",
    ),
    "prefill_wrong": (
        "“{0}”的类型与预填内容不符。",
        "`{0}` is not of the kind that its prefill gives.",
    ),
    "steps_unordered": (
        "环节要按预审、受理、审查、决定、办结、送达的顺序排列，每个一次。",
        "Steps stand in the order of their stages, each stage once.",
    ),
    "step_limits_exceed_promise": (
        "各环节时限之和 {0} 个工作日，超过承诺的 {1} 个工作日。",
        "The steps take {0} working days, the promise is {1}.",
    ),
    "fee_without_payment": (
        "有收费决策表，却没有写明何时缴费。",
        "There is a fee table but no word on when the fee is paid.",
    ),
    "payment_without_charge": (
        "不收费的事项不能要求缴费。",
        "An item without charge cannot ask for payment.",
    ),
    "payment_without_amount": (
        "要缴费就要有收费决策表或者固定的收费金额。",
        "A payment needs a fee table or a fixed fee.",
    ),
    "payment_after_no_step": (
        "缴费定在“{0}”之后，但没有这个环节。",
        "Payment is due after `{0}`, which is no step.",
    ),
    "paid_alone_decides": (
        "只缴费不申请的事项，除收费决策表外不能有其他决策表。",
        "An item that is only paid has no table but the one of its fee.",
    ),
    "paid_alone_assured": (
        "只缴费不申请的事项，不能要求更高的实名等级。",
        "An item that is only paid asks for no more than basic assurance.",
    ),
    "paid_alone_asks": (
        "只缴费不申请的事项只能问数字、选择和是否，“{0}”不是。",
        "An item that is only paid asks numbers, choices, yes or no; `{0}` is none of these.",
    ),
    "reference_unknown": (
        "决策表用到了“{0}”，表单和事项里都没有。",
        "The table reads `{0}`, which neither form nor item has.",
    ),
    "material_not_conditional": (
        "“{0}”不是指南里视情形提供的材料。",
        "`{0}` is not one of the guide's conditional materials.",
    ),
    "answer_not_promised": (
        "决策表没有给出应有的结论：{0}。",
        "The table does not give what it promises: {0}.",
    ),
}
