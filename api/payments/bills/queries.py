"""The statements about bills without a case, their codes and their end."""

from api.payments import rows
from api.statements import Statements

statements = Statements("bills")

find_payable_service = statements.optional("find_payable_service", rows.PayableService)
find_citizen_by_number = statements.value("find_citizen_by_number", str)
find_assurance = statements.value("find_assurance", str)
hold_citizen = statements.value("hold_citizen", str)
count_own_bills = statements.value("count_own_bills", int)
find_bill_by_number = statements.optional("find_bill_by_number", rows.BillRow)
lock_bill_by_number = statements.optional("lock_bill_by_number", rows.BillRow)
find_own_raised = statements.value("find_own_raised", str)
claim_bill = statements.execute("claim_bill")
move_claims = statements.execute("move_claims")
keep_cancel_reason = statements.execute("keep_cancel_reason")
find_cancel_reason = statements.value("find_cancel_reason", str)
