"""`python -m tools.catalogues`: gather, update, compile; then say what each language still lacks."""

from __future__ import annotations

import asyncio
import sys

from tools.catalogues.gather import gather
from tools.catalogues.keep import LANGUAGES, compiled, missing, read, update, write


def main() -> int:
    """Exit code 0 when nothing is missing."""
    template = asyncio.run(gather())
    lacking = 0
    for language in LANGUAGES:
        catalogue = update(language, read(language), template)
        write(language, catalogue)
        compiled(language, read(language))
        left = missing(catalogue)
        lacking += len(left)
        sys.stdout.write(f"{language}: {len(catalogue)} texts, {len(left)} without a translation\n")
        sys.stdout.writelines(f"    {text[:100]!r}\n" for text in left[:5])
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
