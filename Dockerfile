# Easel in a container: docker build -t easel . && docker run --env-file .env -v easel:/easel/data easel

FROM python:3.11-slim-bookworm AS built
WORKDIR /easel
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY bot bot
COPY cogs cogs
COPY sandbox sandbox
# The bot's user may read it, whatever the rights of the checkout are. It is compiled here, since the bot writes nothing.
RUN chmod -R a+rX bot cogs sandbox && /venv/bin/python -m compileall -q --invalidation-mode unchecked-hash bot cogs sandbox

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /easel easel \
    && install -d -o easel -g easel -m 700 /easel/data
COPY --from=built /venv /venv
COPY --from=built /easel/bot /easel/bot
COPY --from=built /easel/cogs /easel/cogs
COPY --from=built /easel/sandbox /easel/sandbox
WORKDIR /easel
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
VOLUME /easel/data
# Where HTTP_PORT is not set there is nothing to ask, and a process that runs counts as healthy.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", "import os, urllib.request; port = os.environ.get('HTTP_PORT'); port and urllib.request.urlopen(f'http://127.0.0.1:{port}/healthz', timeout=4)"]
# Without a shell in between, so that SIGTERM reaches the bot.
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]
