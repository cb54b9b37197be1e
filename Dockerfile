# Two images from one file:
#   serving   answers requests: the small lock alone     docker build --target serving -t churn-prediction-api .
#   jobs      trains, scores, monitors: the whole lock   docker build --target jobs -t churn-prediction-jobs .
#
# A release names BASE by its digest (infra/ci/resolve_base.sh asks the registry for it), so that the same commit gives
# the same image. A different base needs python3 with venv, and apt-get.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

# What installs: pip and the build backend, locked. No later image inherits from this one.
FROM ${BASE} AS tools
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python3 -m venv tools
COPY requirements-build.txt ./
RUN tools/bin/pip install --quiet --require-hashes -r requirements-build.txt

# The project itself, in a layer of its own: a change of the code does not change the layer of the libraries.
FROM tools AS project
# The time that is written into the wheel, so that the same source gives the same bytes; any fixed one does.
ENV SOURCE_DATE_EPOCH=1764547200
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN tools/bin/hatchling build -t wheel \
 && python3 -m venv --without-pip /opt/libraries \
 && tools/bin/pip --python /opt/libraries/bin/python install --quiet --no-compile --no-deps --target /opt/churn dist/*.whl \
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/churn

FROM tools AS serving-libraries
# requirements-serving-trees.txt where the champion is a random forest or boosted trees: it adds LightGBM and SciPy.
ARG SERVING_LOCK=requirements-serving.txt
COPY requirements-serving.txt requirements-serving-trees.txt ./
RUN python3 -m venv --without-pip /opt/libraries \
 && tools/bin/pip --python /opt/libraries/bin/python install --quiet --no-compile --require-hashes -r "${SERVING_LOCK}" \
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/libraries/lib

FROM tools AS jobs-libraries
COPY requirements.txt ./
RUN python3 -m venv --without-pip /opt/libraries \
 && tools/bin/pip --python /opt/libraries/bin/python install --quiet --no-compile --require-hashes -r requirements.txt \
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/libraries/lib

# What both images are. The folders are there for named volumes, which take over their owner; nothing else is writable.
FROM ${BASE} AS runtime
ENV PATH=/opt/churn/bin:/opt/libraries/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONPATH=/opt/churn \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /srv/churn
RUN useradd --uid 10001 --user-group --home-dir /srv/churn --no-create-home --shell /usr/sbin/nologin churn \
 && mkdir config data models store erasures mlflow demo backups \
 && chown churn:churn data models store erasures mlflow demo backups
USER 10001:10001
ENTRYPOINT ["churn"]

FROM runtime AS jobs
# LightGBM needs the OpenMP library of the system; Matplotlib and MLflow keep what they compute in /tmp.
USER 0:0
# hadolint ignore=DL3008
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/cache/debconf/* /var/cache/ldconfig/* /var/log/*
USER 10001:10001
ENV MPLCONFIGDIR=/tmp/matplotlib
COPY --from=jobs-libraries /opt/libraries /opt/libraries
COPY --from=project /opt/churn /opt/churn
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="churn-prediction-jobs" \
      org.opencontainers.image.description="The jobs of churn-mlops: train, score, mature, monitor, backup" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
CMD ["--help"]

FROM runtime AS serving
COPY --from=serving-libraries /opt/libraries /opt/libraries
COPY --from=project /opt/churn /opt/churn
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="churn-prediction-api" \
      org.opencontainers.image.description="The HTTP interface and the console of churn-mlops" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python3", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health', timeout=2)"]
CMD ["serve", "--host", "0.0.0.0"]
