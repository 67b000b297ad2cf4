"""The statements about clerks, each bound to what its rows are."""

from api.clerks import rows, schemas
from api.statements import Statements

statements = Statements("clerks")

find_for_sign_in = statements.optional("find_for_sign_in", rows.SignInRow)
note_failure = statements.value("note_failure", int)
note_success = statements.value("note_success", str)
start_session = statements.execute("start_session")
find_session = statements.optional("find_session", rows.SessionRow)
see_session = statements.execute("see_session")
store_clerk = statements.value("store_clerk", str)
list_clerks = statements.many("list_clerks", schemas.ListedClerk)
disable_clerk = statements.value("disable_clerk", str)
forget_sessions = statements.execute("forget_sessions")
