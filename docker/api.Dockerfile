# The HTTP API. Build it from the root of the repository: docker build -f docker/api.Dockerfile .
# The same in both Dockerfiles, held by a test.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
# Packages first: a changed source file does not install them again. Machine code comes for the platform that is built, never from the host.
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --include=dev
COPY tsconfig.base.json ./
COPY tools/build tools/build
COPY libs libs
COPY apps apps
RUN node tools/build/build.mjs api --image && echo '{"type":"module"}' >dist/images/api/package.json

FROM ${NODE_IMAGE}
ARG VERSION=dev
ARG REVISION=unknown
ARG SOURCE=
LABEL org.opencontainers.image.title="edgechat-api" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8000
EXPOSE 8000
WORKDIR /app
COPY --from=build /app/dist/images/api ./
# By number: an orchestrator can tell that it is not root. The files are root's, so that the process cannot change them.
USER 1000:1000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --start-interval=1s --retries=3 \
  CMD ["node", "-e", "require('node:http').get('http://127.0.0.1:8000/api/v1/health/started', (r) => process.exit(r.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# No entrypoint: the base image's is a shell script. Node is process 1 and gets the signals itself; it starts no other process.
ENTRYPOINT []
# V8 collects sooner with a limit of its own: without one it takes what the machine has before it looks for garbage.
CMD ["node", "--max-old-space-size=256", "main.js"]
