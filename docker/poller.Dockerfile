# The poller's image. Every RUN is in exec form, so both stages also build on a base without a shell:
# any Debian 13 base with python3.13 and libstdc++6 will do (BASE_IMAGE, UV_IMAGE).
ARG BASE_IMAGE=docker.io/library/python:3.13-slim-trixie@sha256:ffb752e139c0a19692a43af8d8523b274222dd68eebad5d583b45c2201c6e30a
ARG UV_IMAGE=ghcr.io/astral-sh/uv:0.9.18@sha256:5713fa8217f92b80223bc83aac7db36ec80a84437dbc0d04bbc659cae030d8c9

# hadolint ignore=DL3006
FROM ${UV_IMAGE} AS uv

# hadolint ignore=DL3006
FROM ${BASE_IMAGE} AS build
# The base may name another user; nothing of this stage runs in the cluster.
# hadolint ignore=DL3002
USER 0:0
COPY --from=uv /uv /build/uv
# poller-full.txt has A2A, MCP, traces and the readers of docx and pdf besides.
ARG REQUIREMENTS=poller
COPY requirements/${REQUIREMENTS}.txt /build/requirements.txt
# Both secrets are optional: "ca" are the certificates of an intercepting proxy, "uv" is a uv.toml that names another index.
ENV UV_NATIVE_TLS=1 UV_SYSTEM_CERTS=1
RUN --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=uv,target=/etc/uv/uv.toml \
    ["/build/uv", "pip", "install", "--no-cache", "--no-deps", "--require-hashes", "--only-binary=:all:", "--link-mode=copy", \
     "--python=python3", "--no-managed-python", "--no-python-downloads", \
     "--target=/app/lib", "--requirement=/build/requirements.txt"]
# firebase-admin brings the clients of Firestore and Cloud Storage; we use its Realtime Database only, which needs neither.
# rich brings what colours source code and Markdown, cffi what compiles: we show neither and compile nothing.
RUN ["/build/uv", "pip", "uninstall", "--system", "--target=/app/lib", "google-cloud-firestore", "google-cloud-storage", \
     "google-cloud-core", "google-api-core", "google-resumable-media", "google-crc32c", "proto-plus", \
     "pygments", "markdown-it-py", "mdurl", "pycparser"]
COPY poller /app/poller
COPY process /app/process
COPY devkit /app/devkit
COPY client/eventstorming_client /app/eventstorming_client
COPY proto/eventstorming /app/eventstorming
COPY proto/externalscaler /app/externalscaler
# Compiled here: a read-only root cannot cache bytecode, and unchecked-hash makes the files the same in every build.
RUN ["python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "/app"]
ARG VERSION=0.0.0
COPY pyproject.toml /build/pyproject.toml
# What importlib.metadata reads: which build the programs say they are, and where they find the embedded parts.
RUN ["python3", "-c", "import os, pathlib, tomllib; at = pathlib.Path('/app/lib/eventstorming_generator.dist-info'); at.mkdir(); \
     (at / 'METADATA').write_text(f'Metadata-Version: 2.1\\nName: eventstorming-generator\\nVersion: {os.environ[\"VERSION\"]}\\n'); \
     groups = tomllib.loads(pathlib.Path('/build/pyproject.toml').read_text())['project']['entry-points'].items(); \
     lines = [line for group, found in groups for line in (f'[{group}]', *(f'{name} = {where}' for name, where in found.items()))]; \
     (at / 'entry_points.txt').write_text('\\n'.join(lines))"]

# hadolint ignore=DL3006
FROM ${BASE_IMAGE}
ARG BASE_IMAGE
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="eventstorming-poller" \
      org.opencontainers.image.description="EventStorming Generator: claims jobs in the Realtime Database and stores what comes back" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"
ENV PYTHONPATH=/app:/app/lib \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BIND_HOST=::
COPY --from=build /app /app
WORKDIR /app
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 2024 2025 5000 50052
ENTRYPOINT ["python3", "-m", "poller"]
