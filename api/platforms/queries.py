"""The statements of the platforms, each bound to what its rows are."""

from datetime import datetime

from api.platforms import rows
from api.statements import Statements

statements = Statements("platforms")

list_keys = statements.many("list_keys", rows.KeyRow)
note_nonce = statements.execute("note_nonce")
forget_nonces = statements.execute("forget_nonces")
take_calls = statements.value("take_calls", int)
return_calls = statements.execute("return_calls")
find_usage = statements.optional("find_usage", rows.UsageRow)
forget_usage = statements.execute("forget_usage")

store_platform = statements.optional("store_platform", rows.PlatformRow)
store_key = statements.execute("store_key")
revoke_key = statements.execute("revoke_key")
find_own_key = statements.optional("find_own_key", rows.OwnKeyRow)

lock_platform = statements.optional("lock_platform", rows.PlatformRow)
count_webhooks = statements.value("count_webhooks", int)
store_webhook = statements.value("store_webhook", datetime)
list_webhooks = statements.many("list_webhooks", rows.WebhookRow)
find_webhook = statements.optional("find_webhook", rows.WebhookRow)
delete_webhook = statements.value("delete_webhook", str)
list_deliveries = statements.many("list_deliveries", rows.DeliveryRow)
replay_delivery = statements.optional("replay_delivery", rows.DeliveryRow)

list_listeners = statements.many("list_listeners", rows.WebhookId)
store_deliveries = statements.many("store_deliveries", rows.DueRow)
find_paid = statements.optional("find_paid", rows.PaidRow)
find_refunded = statements.optional("find_refunded", rows.PaidRow)
find_case_event = statements.optional("find_case_event", rows.CaseEventRow)
list_changed_services = statements.many("list_changed_services", rows.ChangedServiceRow)

find_receiver = statements.value("find_receiver", str)
take_slot = statements.optional("take_slot", rows.SlotRow)
free_slot = statements.execute("free_slot")
claim_delivery = statements.optional("claim_delivery", rows.ClaimedRow)
note_delivered = statements.execute("note_delivered")
note_failed = statements.execute("note_failed")
disable_webhook = statements.execute("disable_webhook")
list_due = statements.many("list_due", rows.DueRow)
forget_deliveries = statements.execute("forget_deliveries")
