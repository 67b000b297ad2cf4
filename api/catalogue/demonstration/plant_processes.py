"""The demonstration's processes: templates put into the frame that a process has."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from api.catalogue.demonstration.read_demonstration import ProcessTemplate, TableTemplate
from api.catalogue.schemas import Step
from api.processes import Process, ProcessStep, Rules, Stage
from api.rules import STAGES


def prepare_process(template: ProcessTemplate, steps: list[Step], *, instant: bool) -> Process:
    """A process with the guide's steps; an instant item's are the system's."""
    return Process(
        form=template.form,
        steps=[
            ProcessStep(
                step.name,
                cast(Stage, step.stage),
                "system" if instant else "department",
                step.limit_days,
            )
            for step in steps
            if step.stage in STAGES
        ],
        payment=template.payment,
        rules=msgspec.convert(
            {name: frame_table(table) for name, table in template.tables.items()}, Rules
        ),
        corrections_most=template.corrections_most,
        assurance_level=template.assurance_level,
        result_certificate=template.result_certificate,
    )


def frame_table(table: TableTemplate) -> dict[str, Any]:
    """The table as a whole JDM document, as an editor would save it."""
    reads = [f"in{number}" for number in range(len(table.reads))]
    gives = [f"out{number}" for number in range(len(table.gives))]
    content = {
        "hitPolicy": "first",
        "inputs": _columns(reads, table.reads),
        "outputs": _columns(gives, table.gives),
        "rules": [
            {"_id": f"rule{number}", **dict(zip([*reads, *gives], cells, strict=True))}
            for number, cells in enumerate(table.rules)
        ],
    }
    return {
        "nodes": [
            {"id": "facts", "type": "inputNode", "name": "facts"},
            {"id": "table", "type": "decisionTableNode", "name": "table", "content": content},
            {"id": "answer", "type": "outputNode", "name": "answer"},
        ],
        "edges": [
            {"id": "first", "sourceId": "facts", "targetId": "table", "type": "edge"},
            {"id": "second", "sourceId": "table", "targetId": "answer", "type": "edge"},
        ],
    }


def _columns(names: list[str], fields: list[str]) -> list[dict[str, str]]:
    return [
        {"id": name, "name": field, "field": field, "type": "expression"}
        for name, field in zip(names, fields, strict=True)
    ]
