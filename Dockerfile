# One image for all services; the command picks one. Node runs the TypeScript files as they are: nothing is built.
FROM node:24-trixie-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && npm cache clean --force

FROM node:24-trixie-slim
ENV NODE_ENV=production HOST=0.0.0.0 PULSO_DATA_DIR=/data
RUN install -d -o 1000 -g 1000 -m 0700 /data
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY libs ./libs
COPY services ./services
# By number, so that an orchestrator can see that it is not root.
USER 1000:1000
VOLUME /data
EXPOSE 8080 8081 8082 8083
# No npm in between: node itself gets the signals.
CMD ["node", "services/all/main.ts"]
