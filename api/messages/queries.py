"""The statements about messages, each bound to what its rows are."""

from api.messages import rows
from api.statements import Statements

statements = Statements("messages")

find_move = statements.optional("find_move", rows.MoveRow)
find_refused_kind = statements.value("find_refused_kind", bool)
add_message = statements.value("add_message", str)
take_message = statements.optional("take_message", rows.TakenRow)
unlink_message = statements.execute("unlink_message")
note_outcome = statements.execute("note_outcome")
hold_report = statements.value("hold_report", str)
keep_report = statements.execute("keep_report")
take_report = statements.execute("take_report")
forget_reports = statements.execute("forget_reports")
note_delivery = statements.value("note_delivery", str)
give_up_lost = statements.execute("give_up_lost")
list_due = statements.many("list_due", rows.MessageIdRow)
list_messages = statements.many("list_messages", rows.MessageRow)
store_consents = statements.execute("store_consents")
store_consent_of_person = statements.execute("store_consent_of_person")
list_consents = statements.many("list_consents", rows.ConsentRow)
move_messages = statements.execute("move_messages")
move_consents = statements.execute("move_consents")
forget_messages = statements.execute("forget_messages")
forget_consents = statements.execute("forget_consents")
