# A transceiver: docker build -f terraform/packages/docker/transceiver.Dockerfile dist/transceiver, after `npm run bundle`.
FROM node:26-bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends libopus0 && rm -rf /var/lib/apt/lists/*
COPY --chown=root:root . /opt/firsthop/transceiver
ENV NODE_ENV=production
USER node
# A signal goes to the transceiver itself, which drains.
ENTRYPOINT ["node", "/opt/firsthop/transceiver/main.mjs"]
