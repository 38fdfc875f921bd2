"""What the pages for people have from the code: tables written by `make docs-tables`, held by tests/test_docs.py."""
