"""Decision tables as data: JSON Decision Models (JDM, GoRules zen), bounded and checked.

A document is a small graph: one input, one output, and between them at most three decision
tables or expression lists, never code. The engine itself is generous: it leaves out a cell
that it cannot evaluate and would map over a million numbers. So every expression is
compiled and held to a list of functions without loops before a document may be used;
that, with bounded columns, rules and references, bounds time and size of every answer.
An evaluation takes about 0.3 ms, nearly all of it the way into the engine and back.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
import zen
from msgspec import Struct

DOCUMENT_BYTES = 64 * 1024
NODES_BETWEEN = 3
COLUMNS = 20
RULES = 200
EXPRESSION_CHARACTERS = 300
REFERENCES = 8
KEPT = 512

FUNCTIONS = frozenset(
    {
        *("abs", "ceil", "floor", "isNumeric", "max", "min", "number", "round", "sum", "trunc"),
        *("contains", "endsWith", "len", "lower", "startsWith", "string", "trim", "upper", "bool"),
        *("d", "date", "dateString", "duration", "add", "sub", "diff", "format", "isSame"),
        *("isAfter", "isBefore", "year", "month", "day", "weekday", "startOf", "endOf"),
    }
)
_KEYWORDS = frozenset({"and", "or", "not", "in", "true", "false", "null"})
_LITERAL = re.compile(r"'[^']*'|\"[^\"]*\"")
_NAME = re.compile(r"(?<![\w.$#])[A-Za-z_$#][\w$]*(?:\.[A-Za-z_]\w*)*(?!\w*\()(?![\w.]*\s*\()")
_CALL = re.compile(r"([A-Za-z_]\w*)\s*\(")


class TableFault(Exception):
    """A document that cannot be used: `path` inside it, a stable `code`, words in two languages."""

    def __init__(self, path: str, code: str, detail: str, english: str) -> None:
        super().__init__(code)
        self.path = path
        self.code = code
        self.detail = detail
        self.english = english


class TableFailed(Exception):
    """The engine could not come to an answer, or gave another one than the table promises."""


class _Column(Struct):
    id: str
    field: str = ""


class _DecisionTable(Struct):
    hitPolicy: str = "first"  # noqa: N815 (JDM's own spelling)
    inputs: list[_Column] = []
    outputs: list[_Column] = []
    rules: list[dict[str, Any]] = []
    executionMode: str | None = None  # noqa: N815


class _Expression(Struct):
    key: str
    value: str


class _Expressions(Struct):
    expressions: list[_Expression] = []
    executionMode: str | None = None  # noqa: N815


class _Node(Struct):
    id: str
    type: str
    content: Any = None


class _Edge(Struct):
    sourceId: str  # noqa: N815
    targetId: str  # noqa: N815


class _Document(Struct):
    nodes: list[_Node]
    edges: list[_Edge]


class Expression(Struct, frozen=True):
    """An expression of a document, and where in it it stands.

    `kind`: a condition looks at one value (`$`), anything else gives one.
    """

    path: str
    kind: Literal["condition", "value"]
    text: str

    @property
    def references(self) -> frozenset[str]:
        """The paths it reads, such as `form.age`; without its own `$`."""
        return frozenset(n for n in _names(self.text) if not n.startswith("$"))

    @property
    def literals(self) -> frozenset[str]:
        """The texts in quotes."""
        return frozenset(found[1:-1] for found in _LITERAL.findall(self.text))


class Table:
    """A document that passed every check, ready to be asked. `expressions` are for further checks.

    `produced` names what its own nodes add to what it sees.
    """

    def __init__(self, document: bytes) -> None:
        parsed = _parse(document)
        self.expressions = tuple(_expressions(parsed))
        self.outputs = tuple(e for e in self.expressions if ".outputs[" in e.path)
        self.produced = frozenset(_produced(parsed))
        for expression in self.expressions:
            _check_expression(expression)
        self._decision = zen.ZenEngine().create_decision(document.decode())

    def evaluate(self, context: dict[str, Any]) -> Any:
        """What the document says to these values. Raises TableFailed.

        The engine's words quote values, so they are not passed on.
        """
        try:
            return self._decision.evaluate(msgspec.json.encode(context))["result"]
        except Exception:  # noqa: BLE001 (the engine raises bare Exceptions)
            raise TableFailed from None


def compile_table(document: dict[str, Any]) -> Table:
    """The table of a document, from the kept ones where possible. Raises TableFault."""
    text = msgspec.json.encode(document)
    digest = hashlib.sha256(text).digest()
    kept = _KEPT.get(digest)
    if kept is None:
        kept = _KEPT[digest] = Table(text)
        if len(_KEPT) > KEPT:
            _KEPT.popitem(last=False)
    else:
        _KEPT.move_to_end(digest)
    return kept


_KEPT: OrderedDict[bytes, Table] = OrderedDict()


def _parse(document: bytes) -> _Document:
    if len(document) > DOCUMENT_BYTES:
        raise TableFault("", "table_too_large", "决策表太大。", "The decision table is too large.")
    try:
        parsed = msgspec.json.decode(document, type=_Document)
    except msgspec.ValidationError:
        raise TableFault(
            "", "table_unreadable", "不是 JDM 决策文件。", "This is not a JDM document."
        ) from None
    _check_graph(parsed)
    return parsed


def _check_graph(document: _Document) -> None:
    kinds = {node.id: node.type for node in document.nodes}
    for number, node in enumerate(document.nodes):
        if node.type not in ("inputNode", "outputNode", "decisionTableNode", "expressionNode"):
            raise TableFault(
                f"nodes[{number}].type",
                "node_refused",
                "决策文件只能有输入、输出、决策表和表达式节点。",
                "Only input, output, decision table and expression nodes are taken.",
            )
    ends = [list(kinds.values()).count(kind) for kind in ("inputNode", "outputNode")]
    between = len(document.nodes) - 2
    if ends != [1, 1] or len(kinds) != len(document.nodes) or not 1 <= between <= NODES_BETWEEN:
        raise TableFault(
            "nodes",
            "graph_wrong",
            f"需要一个输入、一个输出，中间 1 至 {NODES_BETWEEN} 个节点。",
            f"One input, one output and 1 to {NODES_BETWEEN} nodes between them are needed.",
        )
    if not _is_one_line(document, kinds):
        raise TableFault(
            "edges",
            "graph_wrong",
            "节点要从输入到输出连成一条线。",
            "The nodes must form one line from input to output.",
        )


def _is_one_line(document: _Document, kinds: dict[str, str]) -> bool:
    follows = {edge.sourceId: edge.targetId for edge in document.edges}
    here = next(node for node, kind in kinds.items() if kind == "inputNode")
    passed = [here]
    while here in follows and len(passed) <= len(kinds):
        here = follows[here]
        passed.append(here)
    return (
        len(document.edges) == len(kinds) - 1
        and sorted(passed) == sorted(kinds)
        and kinds[here] == "outputNode"
    )


def _expressions(document: _Document) -> Iterator[Expression]:
    for number, node in enumerate(document.nodes):
        path = f"nodes[{number}].content"
        if node.type == "decisionTableNode":
            yield from _cells(path, _content(path, node, _DecisionTable))
        elif node.type == "expressionNode":
            content = _content(path, node, _Expressions)
            if not 1 <= len(content.expressions) <= COLUMNS:
                raise _too_many(path)
            for position, expression in enumerate(content.expressions):
                yield Expression(f"{path}.expressions[{position}]", "value", expression.value)
        elif node.type == "inputNode" and (node.content or {}).get("schema"):
            raise TableFault(
                path, "schema_refused", "输入节点不能带校验模式。", "The input takes no schema."
            )


def _content(path: str, node: _Node, kind: Any) -> Any:
    try:
        content = msgspec.convert(node.content, kind)
    except msgspec.ValidationError:
        raise TableFault(
            path, "table_unreadable", "节点的内容读不懂。", "The node's content is not readable."
        ) from None
    if content.executionMode not in (None, "single"):
        raise TableFault(
            path, "loop_refused", "节点不能循环执行。", "A node may not be run in a loop."
        )
    return content


def _cells(path: str, table: _DecisionTable) -> Iterator[Expression]:
    if table.hitPolicy != "first":
        raise TableFault(
            f"{path}.hitPolicy",
            "hit_policy_refused",
            "决策表只能取第一条符合的规则。",
            "A decision table takes the first rule that fits.",
        )
    if max(len(table.inputs), len(table.outputs)) > COLUMNS or len(table.rules) > RULES:
        raise _too_many(path)
    for number, column in enumerate(table.inputs):
        if column.field:
            yield Expression(f"{path}.inputs[{number}].field", "value", column.field)
    for number, rule in enumerate(table.rules):
        for column in table.inputs:
            if text := _text(path, number, rule.get(column.id)):
                yield Expression(f"{path}.rules[{number}]", "condition", text)
        for position, column in enumerate(table.outputs):
            if text := _text(path, number, rule.get(column.id)):
                yield Expression(f"{path}.rules[{number}].outputs[{position}]", "value", text)
    last = table.rules[-1] if table.rules else {}
    if not table.rules or any(str(last.get(column.id) or "").strip() for column in table.inputs):
        raise TableFault(
            f"{path}.rules",
            "no_last_rule",
            "最后一条规则的条件要全部留空，好让每种情况都有结论。",
            "The last rule's conditions must be empty, so that every case has an answer.",
        )


def _text(path: str, number: int, cell: Any) -> str:
    if cell is not None and not isinstance(cell, str):
        raise TableFault(
            f"{path}.rules[{number}]",
            "table_unreadable",
            "单元格必须是文字。",
            "A cell must be text.",
        )
    return (cell or "").strip()


def _produced(document: _Document) -> Iterator[str]:
    for node in document.nodes:
        if node.type == "decisionTableNode":
            yield from (
                c.field.split(".")[0] for c in msgspec.convert(node.content, _DecisionTable).outputs
            )
        elif node.type == "expressionNode":
            yield from (
                e.key.split(".")[0] for e in msgspec.convert(node.content, _Expressions).expressions
            )


def _check_expression(expression: Expression) -> None:
    text = expression.text
    bare = _LITERAL.sub("''", text)
    strange = [name for name in _CALL.findall(bare) if name not in FUNCTIONS | _KEYWORDS]
    named = ", ".join(strange)
    refused = "`" in bare or "#" in bare or "$nodes" in bare or strange
    if expression.kind == "value" and "$" in bare:
        refused = True
    if refused or len(text) > EXPRESSION_CHARACTERS or len(_names(text)) > REFERENCES:
        raise TableFault(
            expression.path,
            "expression_refused",
            f"表达式太长，或者用了不允许的写法（{named or '循环、模板或者太多引用'}）。",
            "The expression is too long or uses what is not allowed "
            f"({named or 'loops, templates, many references'}).",
        )
    compile_it = (
        zen.compile_unary_expression if expression.kind == "condition" else zen.compile_expression
    )
    try:
        compile_it(text)
    except Exception:  # noqa: BLE001 (the engine raises bare Exceptions)
        raise TableFault(
            expression.path,
            "expression_wrong",
            "表达式有语法错误。",
            "The expression does not compile.",
        ) from None


def _names(text: str) -> list[str]:
    bare = _LITERAL.sub("''", text)
    return [name for name in _NAME.findall(bare) if name not in _KEYWORDS]


def _too_many(path: str) -> TableFault:
    return TableFault(
        path,
        "table_too_large",
        f"最多 {COLUMNS} 列、{RULES} 条规则。",
        f"At most {COLUMNS} columns and {RULES} rules.",
    )
