"""Pages for people without an app and for search engines."""
