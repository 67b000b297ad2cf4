"""缴费单: what is owed, by a case, by a department's letter or for an item that is only paid."""
