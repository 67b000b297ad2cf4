"""The statements of the intake, each bound to what its rows are."""

from api.cases.intake import rows
from api.statements import Statements

statements = Statements("cases_intake")

find_service = statements.optional("find_service", rows.ServiceRow)
find_guide = statements.value("find_guide", str)
find_applicant = statements.optional("find_applicant", rows.ApplicantRow)
may_act_for_organisation = statements.value("may_act_for_organisation", bool)
list_known_regions = statements.many("list_known_regions", rows.CodeRow)

add_case = statements.execute("add_case")
store_draft = statements.execute("store_draft")
store_handed_in = statements.execute("store_handed_in")
delete_draft = statements.execute("delete_draft")
find_own_case = statements.optional("find_own_case", rows.CaseRow)
lock_own_case = statements.optional("lock_own_case", rows.CaseRow)
lock_case_to_decide = statements.optional("lock_case_to_decide", rows.ToDecide)
list_own_cases = statements.many("list_own_cases", rows.SummaryRow)

add_upload = statements.execute("add_upload")
count_unused_uploads = statements.value("count_unused_uploads", int)
find_own_upload = statements.optional("find_own_upload", rows.UploadRow)
list_own_uploads = statements.many("list_own_uploads", rows.UploadRow)
bind_uploads = statements.execute("bind_uploads")
forget_unused_uploads = statements.many("forget_unused_uploads", rows.StoredFile)

list_held_certificates = statements.many("list_held_certificates", rows.CertificateRow)
know_issued_certificate = statements.execute("know_issued_certificate")
give_certificates = statements.execute("give_certificates")
forget_certificates = statements.execute("forget_certificates")
forget_uploads_of = statements.many("forget_uploads_of", rows.StoredFile)
find_upload_of_case = statements.optional("find_upload_of_case", rows.UploadRow)
find_citizen_of_case = statements.value("find_citizen_of_case", str)
