"""Fiscal e-receipts (财政电子票据): their numbers, check characters, amounts and picture.

What is printed is right in form. It becomes a receipt in law only through the finance
ministry's platform, which gives out ranges of numbers, seals the document and knows how
check characters are really made; each of these has one place here to be exchanged.
"""
