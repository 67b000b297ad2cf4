"""收件: uploads, drafts, submission, corrections, withdrawal; all that citizens do with a case."""
