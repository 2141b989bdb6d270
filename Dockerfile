# The version that the tests run on.
ARG NODE_VERSION=20.20.2

# What the hub needs at run time.
FROM node:${NODE_VERSION}-bookworm-slim AS packages
WORKDIR /hub
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /hub
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json knexfile.ts ./
COPY scripts/build.mjs scripts/
COPY server server/
COPY providers providers/
COPY migrations migrations/
COPY views views/
COPY public public/
RUN npm run build

FROM node:${NODE_VERSION}-bookworm-slim AS hub
WORKDIR /hub
# Workers are asked for their health on a port of their own, by this container alone.
ENV NODE_ENV=production DATA_DIR=/data PORT=3000 METRICS_PORT=9464
RUN mkdir /data && chown node:node /data
COPY --from=packages /hub/node_modules node_modules/
COPY --from=build /hub/dist dist/
COPY package.json ./
COPY deploy/healthcheck.mjs deploy/
USER node
VOLUME /data
EXPOSE 3000 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["node", "deploy/healthcheck.mjs"]
# Not by npm, which would stand between the hub and its signals.
CMD ["node", "dist/server/main.js"]
