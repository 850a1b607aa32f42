'use strict';
// The worker over REST, by node:http: /tasks/{id}/assign, /tasks/{id}/status, /tasks/{id}/cancel, /health.
const http = require('node:http');
const https = require('node:https');
const { once } = require('node:events');
const address = require('./address');
const { Sockets, drained } = require('./ending');
const { known } = require('./options');
const { answer } = require('./rest_requests');
const { TaskTable } = require('./task_table');
const { Webhook } = require('./webhook');

const IDLE_MS = 30_000; // for a connection on which nothing comes
const REQUEST_MS = 300_000; // for a request to be there as a whole
const POSTED_S = 5; // for completions to be posted, at the end
const LAST_WORDS_MS = 1_000;

/** Serves from start() until drain() or close(). */
class RestServer {
  #table;
  #webhook;
  #server;
  #sockets = new Sockets();
  #closing = null;

  constructor(table, webhook, contents) {
    this.#table = table;
    this.#webhook = webhook;
    const options = { keepAliveTimeout: IDLE_MS, headersTimeout: IDLE_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: 5_000 };
    this.#server = contents
      ? https.createServer({ ...options, ...contents, requestCert: contents.ca !== null, minVersion: 'TLSv1.2', handshakeTimeout: IDLE_MS })
      : http.createServer(options);
    this.#sockets.watch(this.#server);
    this.#server.maxConnections = table.limits.streams;
    this.#server.setTimeout(IDLE_MS); // of a connection on which nothing moves: it is closed
    this.#server.on('request', (request, response) => {
      answer(table, webhook, request, response).catch((error) => {
        table.worker.log.error(`a request could not be answered: ${error.name}`);
        response.destroy();
      });
    });
  }

  /** Rejects: the address or the callback, or plain text where others could read it; or it cannot be had, or a certificate is none. */
  static async start(worker, where, options) {
    const { slots = 1, tls = null, insecure = false, limits, callback = null } = known(options, ['slots', 'tls', 'insecure', 'limits', 'callback'], 'a server');
    const { host, port } = address.split(where);
    address.checkPlain(host, tls, insecure);
    const contents = tls ? address.contentsOf(tls) : null;
    const webhook = callback ? new Webhook(callback, worker.log) : null;
    const server = new RestServer(new TaskTable(worker, slots, limits), webhook, contents);
    server.#server.listen(port, host);
    await once(server.#server, 'listening');
    /** @type {string} host and port, with the one that it has got */
    server.endpoint = address.join(host, server.#server.address().port);
    return server;
  }

  /** Takes nothing new, waits for what is in hand at most `grace` seconds, cancels the rest, and ends. Whether everything came to its end in time. */
  async drain(grace = 30) {
    const isDone = await drained(this.#table, grace);
    await this.close();
    return isDone;
  }

  /** Ends at once: what is in hand fails. */
  close() {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close() {
    this.#table.close();
    await this.#webhook?.close(POSTED_S);
    const closed = new Promise((resolve) => { this.#server.close(resolve); });
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#sockets.destroy(), LAST_WORDS_MS); // of answers that are under way
    await closed;
    clearTimeout(timer);
  }
}

module.exports = { RestServer };
