# A relay: docker build -f terraform/packages/docker/relay.Dockerfile dist/relay, after `npm run bundle`.
FROM node:26-bookworm-slim
COPY --chown=root:root . /opt/firsthop/relay
# Compiled code, which only the relay may write, and the fleet as it was last seen.
RUN install -d -o node -g node -m 0700 /var/cache/firsthop-relay /var/lib/firsthop-relay
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/var/cache/firsthop-relay \
    FIRSTHOP_FLEET_FILE=/var/lib/firsthop-relay/fleet.json
USER node
# A signal goes to the relay itself, which drains.
ENTRYPOINT ["node", "/opt/firsthop/relay/main.mjs"]
