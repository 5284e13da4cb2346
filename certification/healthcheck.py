"""Asks the web process of this container whether it is well: exits 0 when it is."""

import os
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit


def main() -> int:
    host = urlsplit(os.environ.get("SITE_URL", "")).netloc or "localhost"
    address = f"http://127.0.0.1:{os.environ.get('PORT') or 8000}/healthz"
    request = urllib.request.Request(address, headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return 0 if answer.status == 200 else 1
    except (urllib.error.URLError, OSError):
        return 1


if __name__ == "__main__":
    sys.exit(main())
