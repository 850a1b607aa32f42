'use strict';
// Posts completions to the host: POST {callback}/tasks/{id}/complete.
const http = require('node:http');
const https = require('node:https');
const { setTimeout: pause } = require('node:timers/promises');
const { sendable } = require('./json');
const { completion } = require('./messages');

const MOST_WAITING = 1_000, TRIES = 3, TIMEOUT_MS = 10_000, BETWEEN_MS = 1_000;

/** A listener of the task table, which posts one at a time. What cannot be delivered is logged; the host can still ask for the status. */
class Webhook {
  #callback;
  #log;
  #agent;
  #waiting = [];
  #posting = null; // until nothing waits any more
  #ending = new AbortController();

  /** Throws: it is no URL of http or https. */
  constructor(callback, log) {
    const is = /^https?:\/\/[^/]/.test(callback);
    if (!is) throw new TypeError('a callback is a URL of http or https');
    this.#callback = new URL(callback).href.replace(/\/+$/, '');
    this.#log = log;
    this.#agent = new (this.#callback.startsWith('https') ? https : http).Agent({ keepAlive: true, maxSockets: 1 });
  }

  acked() {}

  progressed() {}

  moved() {}

  capacityChanged() {}

  completed(run) {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#log.error(`task "${run.activityId}": its completion is not posted: ${MOST_WAITING} wait already`);
      return;
    }
    this.#waiting.push(run);
    this.#posting ??= this.#postAll();
  }

  /** Posts what waits, for at most so many seconds. */
  async close(seconds) {
    const timer = setTimeout(() => this.#ending.abort(), seconds * 1_000);
    await this.#posting;
    clearTimeout(timer);
    this.#agent.destroy();
  }

  async #postAll() {
    while (this.#waiting.length && !this.#ending.signal.aborted) await this.#post(this.#waiting.shift());
    this.#posting = null;
  }

  async #post(run) {
    const url = `${this.#callback}/tasks/${encodeURIComponent(sendable(run.activityId))}/complete`, data = JSON.stringify(completion(run));
    let why = '';
    for (let left = TRIES; left > 0; --left) {
      const answer = await this.#ask(url, data);
      if (answer >= 200 && answer < 300) return;
      why = typeof answer === 'number' ? `HTTP ${answer}` : answer;
      const isForGood = typeof answer === 'number' && answer < 500 && answer !== 429;
      if (isForGood || left === 1 || !await this.#isWorthWaiting()) break;
    }
    this.#log.error(`task "${run.activityId}": its completion could not be posted: ${why}`);
  }

  async #isWorthWaiting() {
    return pause(BETWEEN_MS, true, { signal: this.#ending.signal }).catch(() => false);
  }

  // The code of the answer, or what broke.
  #ask(url, data) {
    return new Promise((resolve) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(data) };
      const request = (url.startsWith('https') ? https : http).request(url, { method: 'POST', headers, agent: this.#agent, signal: this.#ending.signal });
      const timer = setTimeout(() => request.destroy(new Error('no answer')), TIMEOUT_MS);
      request.on('response', (response) => {
        response.on('error', () => {}).resume(); // the code is all that counts
        resolve(response.statusCode);
      });
      request.on('error', (error) => resolve(error.code ?? error.message));
      request.on('close', () => clearTimeout(timer));
      request.end(data);
    });
  }
}

module.exports = { Webhook };
