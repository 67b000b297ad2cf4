"""The statements of the catalogue, each bound to what its rows are."""

from api.catalogue import rows, schemas
from api.statements import Statements

statements = Statements("catalogue")

allow_waiting = statements.value("allow_waiting", str)
lock_catalogue = statements.execute("lock_catalogue")
create_staging = statements.execute("create_staging")
store_departments = statements.execute("store_departments")
store_versions = statements.many("store_versions", rows.StoredVersion)
store_findings = statements.execute("store_findings")
bring_into_force = statements.many("bring_into_force", rows.ServiceCodeRow)
list_due_versions = statements.many("list_due_versions", rows.DueVersion)
withdraw_service = statements.value("withdraw_service", int)
list_current_items = statements.many("list_current_items", rows.CurrentItem)
list_local_codes_of = statements.many("list_local_codes_of", rows.CodePair)

find_guide = statements.optional("find_guide", rows.GuideRow)
list_related = statements.many("list_related", schemas.RelatedService)
find_scope = statements.value("find_scope", list)
find_region_name = statements.value("find_region_name", str)
find_implementing = statements.value("find_implementing", str)
list_services_in_scope = statements.many("list_services_in_scope", rows.SummaryRow)
list_services = statements.many("list_services", rows.SummaryRow)
list_services_updated = statements.many("list_services_updated", rows.SummaryRow)
list_changes = statements.many("list_changes", schemas.Change)
list_departments_in_scope = statements.many("list_departments_in_scope", rows.DepartmentRow)
list_departments = statements.many("list_departments", rows.DepartmentRow)
list_hot_services = statements.many("list_hot_services", rows.SummaryRow)
add_views = statements.execute("add_views")
list_home_notices = statements.many("list_home_notices", schemas.HomeNotice)
list_life_events = statements.many("list_life_events", schemas.LifeEventSummary)
count_sitemap_parts = statements.many("count_sitemap_parts", rows.SitemapPart)
list_sitemap_entries = statements.many("list_sitemap_entries", rows.SitemapEntry)
count_services = statements.value("count_services", int)

count_findings = statements.many("count_findings", rows.RuleCount)
count_linted = statements.optional("count_linted", rows.Linted)
list_examples = statements.many("list_examples", rows.CodePair)
list_findings = statements.many("list_findings", rows.FindingsRow)

find_import = statements.optional("find_import", rows.ImportRow)
start_import = statements.value("start_import", int)
advance_import = statements.execute("advance_import")
store_import_faults = statements.execute("store_import_faults")
list_import_faults = statements.many("list_import_faults", rows.ImportFault)

store_offices = statements.execute("store_offices")
store_home_notices = statements.execute("store_home_notices")
store_life_events = statements.execute("store_life_events")
list_upper_regions = statements.many("list_upper_regions", rows.UpperRegion)
list_provinces = statements.many("list_provinces", rows.UpperRegion)
store_synonyms = statements.execute("store_synonyms")

find_item_link = statements.optional("find_item_link", rows.ItemLinkRow)
store_url_link = statements.execute("store_url_link")
store_code_image = statements.execute("store_code_image")
