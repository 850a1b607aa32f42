'use strict';
// A client that asks over REST as a host does.
const { once } = require('node:events');
const http = require('node:http');
const https = require('node:https');
const { Bench, TIMEOUT_MS } = require('./host_client');

class RestBench extends Bench {
  #t;

  constructor(t) {
    super(t);
    this.#t = t;
  }

  async start(options) {
    this.server = await this.worker.startRest('127.0.0.1:0', options);
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    this.#t.after(() => this.agent.destroy());
    this.#t.after(() => this.server.close());
    return this;
  }

  /** [code, the JSON that came]. */
  async ask(method, path, body = undefined, { headers = {}, agent = this.agent, tls = null } = {}) {
    const [host, port] = this.server.endpoint.split(':');
    const request = (tls ? https : http).request({ host, port, method, path, agent: tls ? undefined : agent, timeout: TIMEOUT_MS, headers, ...tls });
    const data = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.end(data);
    const [response] = await once(request, 'response');
    const parts = [];
    for await (const part of response) parts.push(part);
    return [response.statusCode, JSON.parse(Buffer.concat(parts))];
  }

  async assign(id = 'a', more = {}) {
    return this.ask('POST', `/tasks/${encodeURIComponent(id)}/assign`, { run_id: '1', task_kind: 'k', ...more });
  }

  async status(id = 'a') {
    return (await this.ask('GET', `/tasks/${encodeURIComponent(id)}/status`))[1];
  }

  /** Asks until it has ended, as a host does. */
  async ended(id = 'a') {
    for (const end = Date.now() + TIMEOUT_MS; Date.now() < end;) {
      const state = await this.status(id);
      if (['completed', 'failed'].includes(state.status)) return state;
    }
    throw new Error('it does not end');
  }
}

module.exports = { RestBench };
