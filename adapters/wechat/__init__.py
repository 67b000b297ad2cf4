"""WeChat and WeChat Pay, on the wire. Nothing is spoken yet: sign-in comes first."""
