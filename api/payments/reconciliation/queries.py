"""The statements of reconciliation, each bound to what its rows are."""

from api.payments.reconciliation import rows
from api.statements import Statements

statements = Statements("reconciliation")

take_lease = statements.value("take_lease", str)
keep_lease = statements.execute("keep_lease")
drop_lease = statements.execute("drop_lease")
begin_day = statements.execute("begin_day")
say_why_not = statements.execute("say_why_not")

begin_load = statements.value("begin_load", int)
publish_load = statements.execute("publish_load")
forget_other_loads = statements.execute("forget_other_loads")

hold_channel = statements.execute("hold_channel")
wait_for_channel = statements.execute("wait_for_channel")
see_one_moment = statements.execute("see_one_moment")
count_run = statements.value("count_run", int)
classify_day = statements.execute("classify_day")
close_unseen = statements.execute("close_unseen")
sum_day = statements.optional("sum_day", rows.SumRow)
finish_day = statements.execute("finish_day")

list_repairable = statements.many("list_repairable", rows.RepairableRow)
count_repairable = statements.value("count_repairable", int)
note_queried = statements.execute("note_queried")

list_days = statements.many("list_days", rows.DayRow)
count_differences = statements.many("count_differences", rows.CountRow)
list_due_days = statements.many("list_due_days", rows.DueDayRow)
list_differences = statements.many("list_differences", rows.DifferenceRow)
find_difference = statements.optional("find_difference", rows.DifferenceRow)
resolve_difference = statements.execute("resolve_difference")
settle_day = statements.execute("settle_day")

keep_report = statements.execute("keep_report")
find_report = statements.optional("find_report", rows.ReportRow)
