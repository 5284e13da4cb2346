# Builds the front end.
FROM node:22-slim AS front
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY script/build.mjs script/
COPY static static
RUN npm run build

# Installs the Python packages into an environment that the last stage copies whole.
FROM python:3.11-slim AS packages
RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --no-cache-dir --requirement requirements.txt

FROM python:3.11-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
       fonts-dejavu-core fonts-noto-core fonts-noto-cjk \
       libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 site \
    && install -d -o site -g site /srv/app /srv/static /srv/var

ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    ICG_VAR=/srv/var \
    STATIC_ROOT=/srv/static
WORKDIR /srv/app
COPY --from=packages /venv /venv
COPY --chown=site:site . .
COPY --from=front --chown=site:site /build/static/dist static/dist
USER site
# The key made here for the gathering of static files is thrown away with its folder.
RUN ICG_DEMO=1 ICG_VAR=/tmp/build DATABASE_URL=postgresql://nobody@localhost/none \
    python manage.py collectstatic --no-input --verbosity 0 && rm -rf /tmp/build

EXPOSE 8000
VOLUME /srv/var
HEALTHCHECK --interval=15s --timeout=6s --start-period=30s --retries=4 \
    CMD ["python", "-m", "certification.healthcheck"]
CMD ["gunicorn", "certification.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", \
     "--threads", "8", "--no-control-socket", "--worker-tmp-dir", "/dev/shm"]
