# One image for every service: SERVICE says which one runs.

# Any image with Node 24, npm and a user named node, such as one from a registry of your own.
ARG NODE_IMAGE=node:24-bookworm-slim

# What npm needs to install, so that a change of other files does not install again.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /manifests
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json ! -name .npmrc -delete

FROM ${NODE_IMAGE} AS apps
WORKDIR /app
COPY --from=manifests /manifests .
RUN npm ci --no-audit --no-fund
COPY tsconfig.json .
COPY packages/client packages/client
COPY packages/contracts packages/contracts
COPY packages/local-stack packages/local-stack
COPY packages/ui packages/ui
COPY apps apps
RUN node packages/local-stack/src/apps/build-apps-cli.ts

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY --from=manifests /manifests .
# The Node among the optional dependencies is for machines with an older one. npm keeps the compiler, which is an optional peer
# of a library.
RUN npm ci --no-audit --no-fund --omit=dev --workspace=services --workspace=packages/local-stack \
  && rm -rf node_modules/node-linux-* node_modules/typescript node_modules/@typescript

FROM ${NODE_IMAGE}
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080
# For a volume, which then belongs to this user, too.
RUN install --directory --owner=node --group=node /data
WORKDIR /app
COPY --from=dependencies /app .
COPY packages packages
COPY services services
# Keeps compiled code, which halves the processor time of a start, and fails when a service imports what is not in the image.
ENV NODE_COMPILE_CACHE=/app/.compile-cache
RUN for app in services/*/src/app.ts; do node --eval "import('/app/$app')" || exit 1; done
COPY --from=apps /app/apps/customer/dist apps/customer/dist
COPY --from=apps /app/apps/backoffice/dist apps/backoffice/dist
USER node
EXPOSE 8080
# By bash: starting Node for each check costs as much as hundreds of requests.
HEALTHCHECK --interval=10s --timeout=10s --retries=5 --start-period=120s --start-interval=1s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/$PORT; printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3; read -r _ status _ <&3; [ \"$status\" = 200 ]"]
# `exec`: the service itself gets the signals.
CMD ["sh", "-c", "exec node \"services/${SERVICE:?names no service}/src/main.ts\""]
