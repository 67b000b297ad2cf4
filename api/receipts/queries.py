"""The statements about receipts, each bound to what its rows are."""

from api.receipts import rows
from api.statements import Statements

statements = Statements("receipts")

find_settled = statements.optional("find_settled", rows.SettledRow)
find_blue = statements.optional("find_blue", rows.BlueRow)
list_unanswered_refunds = statements.many("list_unanswered_refunds", rows.RefundedRow)
add_receipt = statements.execute("add_receipt")
find_own_payment = statements.optional("find_own_payment", rows.OwnPaymentRow)
list_own_receipts = statements.many("list_own_receipts", rows.ReceiptRow)
find_named = statements.optional("find_named", rows.NamedRow)
