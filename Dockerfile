# One image for every role: the command chooses which.
#   docker build -t qmle_acme .
#   docker run -v qmle_runs:/runs qmle_acme train --run walker
# A named volume belongs to the image's user. A folder of the host's has to be made
# first, and to be its owner's: --user "$(id -u):$(id -g)" -v "$PWD/runs:/runs".
ARG BASE_IMAGE=python:3.10-slim-bookworm
FROM ${BASE_IMAGE}

# Rendering without a display: EGL, which falls back to software, or OSMesa.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libegl1 libgl1 libosmesa6 \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/qmle_acme
COPY requirements.txt .
# Source distributions are built with the pinned setuptools too.
RUN PIP_CONSTRAINT=requirements.txt \
    pip install --no-cache-dir --no-deps -r requirements.txt

COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
 && useradd --create-home qmle \
 && install --directory --owner=qmle /runs

USER qmle
WORKDIR /runs
ENTRYPOINT ["qmle"]
CMD ["--help"]
