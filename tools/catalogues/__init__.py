"""Keeps the catalogues of all languages: gathers what is to be translated, and compiles the translations.

`make catalogues` runs it. It needs Babel, which production does without: hence the compiled catalogues lie in the
repository too.
"""
