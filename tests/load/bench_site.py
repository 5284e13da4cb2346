"""What gunicorn serves for `script/bench`: the site, with an empty view to compare it to."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "certification.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application

settings.ROOT_URLCONF = "tests.load.bench_urls"
application = get_wsgi_application()
