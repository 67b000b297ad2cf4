"""The statements of moves and progress, each bound to what its rows are."""

from api.cases import rows
from api.cases.count_clock import ClockEvent
from api.statements import Statements

statements = Statements("cases")

lock_case = statements.optional("lock_case", rows.CaseRow)
store_case = statements.execute("store_case")
find_known_event = statements.optional("find_known_event", rows.KnownEvent)
add_event = statements.value("add_event", int)
list_clock_events = statements.many("list_clock_events", ClockEvent)
find_guide_asks = statements.optional("find_guide_asks", rows.GuideAsks)

touch_waiting_case = statements.value("touch_waiting_case", int)
was_told_paid = statements.value("was_told_paid", bool)
find_progress = statements.optional("find_progress", rows.ProgressRow)
find_password_hash = statements.value("find_password_hash", bytes)
find_owner = statements.optional("find_owner", rows.OwnerOfCase)
list_events_after = statements.many("list_events_after", rows.StreamRow)

list_events = statements.many("list_events", rows.EventRow)
list_tasks = statements.many("list_tasks", rows.TaskRow)
list_finished_tasks = statements.many("list_finished_tasks", rows.TaskRow)
find_whole_case = statements.optional("find_whole_case", rows.WholeCase)

find_rights = statements.optional("find_rights", rows.Rights)
find_platform_case = statements.optional("find_platform_case", rows.PlatformCaseRow)
find_service = statements.optional("find_service", rows.ServiceRow)
next_serial = statements.value("next_serial", int)
mint_case_no = statements.execute("mint_case_no")
find_minted_service = statements.value("find_minted_service", str)
add_counter_case = statements.value("add_counter_case", str)

list_unaccepted = statements.many("list_unaccepted", rows.Unaccepted)
list_provisional = statements.many("list_provisional", rows.CaseNoRow)
warn_late = statements.execute("warn_late")

list_cases_of = statements.many("list_cases_of", rows.Versioned)
give_cases = statements.execute("give_cases")
give_uploads = statements.execute("give_uploads")
empty_cases = statements.execute("empty_cases")
