# One image for every role: the command chooses which.
#   docker build -t qmle-acme .
#   docker run --init -v qmle_runs:/runs qmle-acme train --run walker
# A named volume belongs to the image's user. A folder of the host's has to be made
# first, and to be its owner's: --user "$(id -u):$(id -g)" -v "$PWD/runs:/runs".
#
# BASE_IMAGE   a Debian or Ubuntu with Python 3.10
# TENSORFLOW   tensorflow-cpu, or tensorflow for a learner on a GPU (untested)
ARG BASE_IMAGE=python:3.10-slim-bookworm

# All libraries of a run; none for tests, checks and reports.
FROM ${BASE_IMAGE} AS libraries
ARG TENSORFLOW=tensorflow-cpu
RUN python3.10 -m venv /opt/venv
COPY requirements-run.txt /tmp/
# Source distributions are built with the pinned setuptools too.
RUN sed "s/^tensorflow-cpu==/${TENSORFLOW}==/" /tmp/requirements-run.txt > /tmp/run.txt \
 && PIP_CONSTRAINT=/tmp/run.txt \
    /opt/venv/bin/pip install --no-cache-dir --no-deps -r /tmp/run.txt

# This package, its C compiled against those headers, as the files to lay over the image.
FROM libraries AS package
COPY requirements.txt /tmp/
RUN grep '^ziglang==' /tmp/requirements.txt > /tmp/build.txt \
 && /opt/venv/bin/pip install --no-cache-dir --no-deps --target /tmp/build -r /tmp/build.txt
WORKDIR /opt/qmle_acme
COPY . .
RUN PYTHONPATH=/tmp/build \
    /opt/venv/bin/pip install --no-deps --no-build-isolation --editable . \
 && rm -rf build *.egg-info \
 && /opt/venv/bin/python -m compileall -q launch qmle_acme \
 && mkdir -p /overlay/opt/venv/bin \
 && cd /opt/venv && cp --parents --recursive \
    bin/qmle lib/python3.10/site-packages/*qmle_acme* /overlay/opt/venv \
 && cp --recursive /opt/qmle_acme /overlay/opt

# What no run reads: headers, the libraries' own tests, a parser of C.
FROM libraries AS trimmed
RUN cd /opt/venv/lib/python3.10/site-packages \
 && rm -rf tensorflow/include clang mujoco/experimental pip pip-*.dist-info \
 && find . -type d -name tests -prune -exec rm -rf {} +

FROM ${BASE_IMAGE}
# Rendering without a display: EGL, which falls back to software, or OSMesa.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libegl1 libgl1 libosmesa6 tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home qmle \
 && install --directory --owner=qmle /runs
COPY --from=trimmed /opt/venv /opt/venv
COPY --from=package /overlay/ /

# Only a node of a cluster writes that file, every few seconds.
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m --retries=3 CMD \
  ["sh", "-c", "test ! -e /tmp/qmle.alive || find /tmp/qmle.alive -mmin -2 | grep -q ."]
ENV PATH=/opt/venv/bin:$PATH
USER qmle
WORKDIR /runs
ENTRYPOINT ["tini", "--", "qmle"]
CMD ["--help"]
