"""Decision tables: what they may hold, what they must give, and how long they may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs

from api.processes import Choice, FormField, PaymentDue, Process, ProcessStep, Rules
from api.rules import (
    WORDS,
    ApplicantFacts,
    Completeness,
    Eligibility,
    Facts,
    FeeDue,
    GuideFacts,
    Instant,
    MaterialFacts,
    ServiceFacts,
    check_process,
    find_completeness,
    find_eligibility,
    find_fee,
    find_instant,
)
from api.tables import (
    COLUMNS,
    EXPRESSION_CHARACTERS,
    RULES,
    TableFailed,
    TableFault,
    compile_table,
)

SERVICE = ServiceFacts("0" * 31, "示例事项", "440106000000")
GUIDE = GuideFacts(
    (MaterialFacts("m1", "required"), MaterialFacts("m2", "conditional")), 10, True, 4000
)
FORM = [
    FormField("age", "年龄", "number", minimum=0, maximum=150),
    FormField("kind", "种类", "choice", choices=[Choice("new", "新办"), Choice("old", "换领")]),
]


def table(reads: list[str], gives: list[str], *rules: list[str], **content: Any) -> dict[str, Any]:
    """A document with one table."""
    inputs = [{"id": f"i{n}", "field": field} for n, field in enumerate(reads)]
    outputs = [{"id": f"o{n}", "field": field} for n, field in enumerate(gives)]
    names = [column["id"] for column in (*inputs, *outputs)]
    return line(
        {
            "type": "decisionTableNode",
            "content": {
                "hitPolicy": "first",
                "inputs": inputs,
                "outputs": outputs,
                "rules": [dict(zip(names, cells, strict=True)) for cells in rules],
                **content,
            },
        }
    )


def expressions(*pairs: tuple[str, str]) -> dict[str, Any]:
    """A node of expressions."""
    listed = [{"id": str(n), "key": key, "value": value} for n, (key, value) in enumerate(pairs)]
    return {"type": "expressionNode", "content": {"expressions": listed}}


def line(*between: dict[str, Any]) -> dict[str, Any]:
    """Nodes in a line from input to output."""
    nodes = [{"type": "inputNode"}, *between, {"type": "outputNode"}]
    named = [{**node, "id": f"n{n}", "name": f"n{n}"} for n, node in enumerate(nodes)]
    edges = [
        {"id": f"e{n}", "sourceId": f"n{n}", "targetId": f"n{n + 1}"} for n in range(len(named) - 1)
    ]
    return {"nodes": named, "edges": edges}


def facts(**form: Any) -> Facts:
    person = ApplicantFacts("natural_person", "verified", 30)
    return Facts(form, person, SERVICE, "2026-11-22")


ADULTS = table(
    ["form.age"], ["eligible", "reason"], ["< 18", "false", "'未满十八周岁'"], ["", "true", "null"]
)
FEE = table(
    ["form.kind"], ["amount_fen", "basis"], ["'new'", "4000", "'新办'"], ["", "2000", "'换领'"]
)
PAPERS = table(["form.kind"], ["required"], ["'old'", "['m2']"], ["", "[]"])
SOUND = Process(
    form=FORM,
    steps=[ProcessStep("受理", "acceptance", limit_days=2), ProcessStep("办结", "completion")],
    payment=PaymentDue("acceptance"),
    rules=Rules(eligibility=ADULTS, fee=FEE, completeness=PAPERS),
)


def test_a_table_decides_by_the_first_rule_that_fits() -> None:
    rules = Rules(eligibility=ADULTS, fee=FEE, completeness=PAPERS)
    assert find_eligibility(rules, facts(age=17)) == Eligibility(False, "未满十八周岁")
    assert find_eligibility(rules, facts(age=18)) == Eligibility(True)
    assert find_fee(rules, facts(kind="new"), GUIDE) == FeeDue(4000, "新办")
    assert find_completeness(rules, facts(kind="old")) == frozenset({"m2"})


def test_without_tables_everybody_may_nothing_more_is_needed_and_a_person_decides() -> None:
    assert find_eligibility(Rules(), facts()) == Eligibility(True)
    assert find_completeness(Rules(), facts()) == frozenset()
    assert find_instant(Rules(), facts()) == Instant(False)
    assert find_fee(Rules(), facts(), GUIDE) == FeeDue(4000)
    assert find_fee(Rules(), facts(), structs.replace(GUIDE, charged=False)) is None


def test_amounts_are_whole_fen() -> None:
    half = table([], ["amount_fen", "basis"], ["form.age * 2.5", "'按岁'"])
    assert find_fee(Rules(fee=half), facts(age=2), GUIDE) == FeeDue(5, "按岁")
    for age in (3, -2):
        with pytest.raises(TableFailed):
            find_fee(Rules(fee=half), facts(age=age), GUIDE)


def test_expressions_may_prepare_what_a_table_reads() -> None:
    document = line(
        expressions(("age", "d(today).diff(d(form.born), 'year')")),
        table(["age"], ["eligible"], ["< 18", "false"], ["", "true"])["nodes"][1],
    )
    rules = Rules(eligibility=document)
    assert not find_eligibility(rules, facts(born="2010-01-01")).eligible
    assert find_eligibility(rules, facts(born="2000-01-01")).eligible


def test_a_table_that_fails_decides_nothing_in_anybodys_favour() -> None:
    broken = table([], ["approve", "reason"], ["len(form.age) > 0", "'x'"])
    assert find_instant(Rules(instant=broken), facts(age=3)) == Instant(False)
    with pytest.raises(TableFailed) as failed:
        find_eligibility(Rules(eligibility=broken), facts(age=3))
    assert "3" not in str(failed.value)


SCHEMA = line(expressions(("a", "1")))
SCHEMA["nodes"][0]["content"] = {"schema": "{}"}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("code", line({"type": "functionNode", "content": "x"}), "node_refused"),
    ("another document", line({"type": "decisionNode", "content": {"key": "x"}}), "node_refused"),
    ("nothing between", line(), "graph_wrong"),
    ("too much between", line(*[expressions(("a", "1"))] * 4), "graph_wrong"),
    ("no graph", {"nodes": "x"}, "table_unreadable"),
    ("all rules", table([], ["eligible"], ["true"], hitPolicy="collect"), "hit_policy_refused"),
    ("a loop", table([], ["eligible"], ["true"], executionMode="loop"), "loop_refused"),
    ("no rule", table([], ["eligible"]), "no_last_rule"),
    ("no last rule", table(["form.age"], ["eligible"], ["> 3", "true"]), "no_last_rule"),
    ("two inputs", line({"type": "inputNode"}, expressions(("a", "1"))), "graph_wrong"),
    ("a schema", SCHEMA, "schema_refused"),
    ("a map", table([], ["a"], ["map([1..9999999], # * 2)"]), "expression_refused"),
    ("a regular expression", table([], ["a"], ["matches(form.age, 'x')"]), "expression_refused"),
    ("another node", table([], ["a"], ["$nodes.n0.form"]), "expression_refused"),
    ("a template", table([], ["a"], ["`x ${form.age}`"]), "expression_refused"),
    ("many references", table([], ["a"], ["form.age + " * 8 + "form.age"]), "expression_refused"),
    (
        "a long cell",
        table([], ["a"], ["'" + "x" * EXPRESSION_CHARACTERS + "'"]),
        "expression_refused",
    ),
    ("bad syntax", table([], ["a"], ["form.age >"]), "expression_wrong"),
    ("a bad condition", table(["form.age"], ["a"], ["< ", "1"], ["", "2"]), "expression_wrong"),
    ("a number in a cell", table([], ["a"], [3]), "table_unreadable"),  # type: ignore[list-item]
    ("many rules", table([], ["a"], *[["1"]] * (RULES + 1)), "table_too_large"),
    ("many columns", table([], ["a"] * (COLUMNS + 1), ["1"] * (COLUMNS + 1)), "table_too_large"),
    ("many bytes", {**ADULTS, "note": "x" * 70_000}, "table_too_large"),
]


@pytest.mark.parametrize(
    ("document", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_document_that_could_do_harm_is_refused(document: dict[str, Any], code: str) -> None:
    with pytest.raises(TableFault) as refused:
        compile_table(document)
    assert refused.value.code == code
    assert refused.value.detail
    assert refused.value.english.isascii()


def test_a_line_that_forks_or_turns_back_is_refused() -> None:
    forked = line(expressions(("a", "1")), expressions(("b", "1")))
    forked["edges"].append({"id": "x", "sourceId": "n0", "targetId": "n2"})
    turned = line(expressions(("a", "1")), expressions(("b", "1")))
    turned["edges"][1]["targetId"] = "n1"
    for document in (forked, turned):
        with pytest.raises(TableFault, match="graph_wrong"):
            compile_table(document)


def test_a_compiled_table_is_kept_and_answers_within_a_millisecond() -> None:
    rules = Rules(eligibility=ADULTS)
    assert compile_table(ADULTS) is compile_table(dict(ADULTS))
    best = min(timed(lambda: find_eligibility(rules, facts(age=20))) for _ in range(50))
    assert best < 0.001, f"{best * 1e3:.2f} ms"


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def test_a_sound_process_has_no_fault() -> None:
    assert check_process(SOUND, GUIDE) == []
    assert check_process(ALONE, GUIDE) == []
    assert check_process(Process(), GuideFacts()) == []


def changed(**fields: Any) -> Process:
    return structs.replace(SOUND, **fields)


def ruled(**tables: Any) -> Process:
    return structs.replace(SOUND, rules=structs.replace(SOUND.rules, **tables))


AGE, KIND = FORM
ALONE = structs.replace(
    SOUND, payment=PaymentDue(without_case=True), rules=Rules(fee=SOUND.rules.fee)
)
FREE = structs.replace(GUIDE, charged=False)
UNPRICED = structs.replace(GUIDE, fixed_fee_fen=None)
FAULTY: list[tuple[Process, GuideFacts, str, str]] = [
    (changed(form=[*FORM, AGE]), GUIDE, "process.form[2].name", "form_field_repeated"),
    (
        changed(form=[*FORM, FormField("town", "镇", "choice")]),
        GUIDE,
        "process.form[2].choices",
        "choices_wrong",
    ),
    (
        changed(
            form=[AGE, structs.replace(FORM[1], choices=[*FORM[1].choices, Choice("new", "又")])]
        ),
        GUIDE,
        "process.form[1].choices",
        "choice_repeated",
    ),
    (
        changed(form=[structs.replace(AGE, minimum=200), FORM[1]]),
        GUIDE,
        "process.form[0].minimum",
        "bounds_wrong",
    ),
    (
        changed(form=[*FORM, FormField("name", "姓名", "date", prefill="name")]),
        GUIDE,
        "process.form[2].prefill",
        "prefill_wrong",
    ),
    (
        changed(steps=[ProcessStep("办结", "completion"), ProcessStep("受理", "acceptance")]),
        GUIDE,
        "process.steps[1].stage",
        "steps_unordered",
    ),
    (
        changed(steps=[ProcessStep("受理", "acceptance", limit_days=11)]),
        GUIDE,
        "process.steps",
        "step_limits_exceed_promise",
    ),
    (changed(payment=None), GUIDE, "process.rules.fee", "fee_without_payment"),
    (SOUND, FREE, "process.payment", "payment_without_charge"),
    (ruled(fee=None), UNPRICED, "process.payment", "payment_without_amount"),
    (
        changed(payment=PaymentDue("decision")),
        GUIDE,
        "process.payment.after",
        "payment_after_no_step",
    ),
    (
        structs.replace(ALONE, rules=Rules(fee=SOUND.rules.fee, eligibility=ADULTS)),
        GUIDE,
        "process.rules",
        "paid_alone_decides",
    ),
    (
        structs.replace(ALONE, assurance_level="face"),
        GUIDE,
        "process.assurance_level",
        "paid_alone_assured",
    ),
    (
        structs.replace(ALONE, form=[*FORM, FormField("plate", "车牌")]),
        GUIDE,
        "process.form[2].kind",
        "paid_alone_asks",
    ),
    (
        ruled(eligibility=table(["form.height"], ["eligible"], ["< 3", "false"], ["", "true"])),
        GUIDE,
        "process.rules.eligibility.nodes[1].content.inputs[0].field",
        "reference_unknown",
    ),
    (
        ruled(completeness=table([], ["required"], ["['m1']"])),
        GUIDE,
        "process.rules.completeness.nodes[1].content.rules[0].outputs[0]",
        "material_not_conditional",
    ),
    (
        ruled(eligibility=table([], ["reason"], ["'x'"])),
        GUIDE,
        "process.rules.eligibility",
        "answer_not_promised",
    ),
    (
        ruled(fee=table(["form.kind"], ["amount_fen"], ["'old'", "'many'"], ["", "3"])),
        GUIDE,
        "process.rules.fee",
        "answer_not_promised",
    ),
]


@pytest.mark.parametrize(
    ("process", "guide", "field", "code"), FAULTY, ids=[f"{f[3]}-{n}" for n, f in enumerate(FAULTY)]
)
def test_a_faulty_process_is_told_where_it_is_wrong(
    process: Process, guide: GuideFacts, field: str, code: str
) -> None:
    assert [(f.field, f.code) for f in check_process(process, guide)] == [(field, code)]


def test_every_word_is_reached_by_a_faulty_process() -> None:
    assert {case[3] for case in FAULTY} == set(WORDS)


def test_a_table_that_cannot_be_used_is_a_fault_with_its_place() -> None:
    process = ruled(eligibility=table([], ["eligible"], ["form.age >"]))
    assert [(f.field, f.code) for f in check_process(process, GUIDE)] == [
        ("process.rules.eligibility.nodes[1].content.rules[0].outputs[0]", "expression_wrong")
    ]


def test_the_answer_that_a_table_promises_is_the_whole_of_what_is_read() -> None:
    more = table([], ["required", "form"], ["['m2']", "'x'"])
    assert find_completeness(Rules(completeness=more), facts()) == frozenset({"m2"})
    assert Completeness.__struct_fields__ == ("required",)
