'use strict';
// What the tests stand on: a client that says on a TaskStream what the host says, with messages made from the .proto itself.
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const protobuf = require('protobufjs');
const { Worker } = require('..');

const TIMEOUT_MS = 60_000; // what takes longer hangs
const SDK = path.dirname(__dirname), PROTO = path.join(SDK, '../proto/execution/v1/execution.proto');
const ROOT = protobuf.parse(fs.readFileSync(PROTO, 'utf8'), { keepCase: true }).root;
const Envelope = ROOT.lookupType('execution.v1.Envelope');
const OPTIONS = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1, 'grpc.use_local_subchannel_pool': 1 };

const same = (data) => data;

/** One stream. `heard` is everything that came, as [what, message], in order. */
class Stream {
  #waiting = [];
  #wake = () => {};

  constructor(client, hello = { min: '1.0.0', max: '1.0.0' }) {
    this.heard = [];
    this.status = null;
    this.call = client.makeBidiStreamRequest('/execution.v1.Execution/TaskStream', same, same, new grpc.Metadata(), { deadline: Date.now() + TIMEOUT_MS });
    this.call.on('data', (data) => this.#came(data));
    this.call.on('error', () => {});
    this.call.on('status', (status) => {
      this.status = status;
      this.#wake();
    });
    if (hello) this.say({ hello });
  }

  say(message) {
    const why = Envelope.verify(message);
    assert.equal(why, null);
    this.sayBytes(Envelope.encode(message).finish());
  }

  sayBytes(data) {
    this.call.write(Buffer.from(data));
  }

  end() {
    this.call.end();
  }

  breakOff() {
    this.call.cancel();
  }

  async next() {
    while (!this.#waiting.length) {
      if (this.status) throw new Error(`the stream has ended: ${this.status.code} ${this.status.details}`);
      await new Promise((resolve) => { this.#wake = resolve; });
    }
    return this.#waiting.shift();
  }

  /** The next message of that kind; what comes before it is in `heard`. */
  async until(what, isIt = () => true) {
    for (;;) {
      const [kind, message] = await this.next();
      if (kind === what && isIt(message)) return message;
    }
  }

  /** Hears the whole greeting. */
  async opened() {
    await this.until('capacity');
    return this;
  }

  assign({ activity_id = 'a', run_id = '1', task_kind = 'k', values = {}, inputs = [], ...more } = {}) {
    const given = Object.entries(values).map(([name, value]) => ({ name, inline_json: JSON.stringify(value) }));
    this.say({ assign: { activity_id, run_id, task_kind, inputs: [...given, ...inputs], ...more } });
  }

  cancel(activity_id = 'a', reason = 'because') {
    this.say({ cancel: { activity_id, reason } });
  }

  async completion(activityId = 'a', runId = '1') {
    return this.until('completion', (one) => one.activity_id === activityId && one.run_id === runId);
  }

  /** Everything, when the stream has ended well. */
  async rest() {
    await this.refused(grpc.status.OK);
    return this.heard;
  }

  /** What the status says with which the stream ends. */
  async refused(code) {
    while (!this.status) await new Promise((resolve) => { this.#wake = resolve; });
    assert.equal(this.status.code, code, this.status.details);
    return this.status.details;
  }

  #came(data) {
    const envelope = Envelope.decode(data);
    this.heard.push([envelope.msg, envelope[envelope.msg]]);
    this.#waiting.push(this.heard.at(-1));
    this.#wake();
  }
}

/** What a test has: a worker, its server, streams to it, and a folder; all of it ends with the test. */
class Bench {
  #t;

  constructor(t) {
    this.#t = t;
    this.logged = [];
    const keep = (line) => this.logged.push(line);
    this.worker = new Worker({ version: '1.2.3', log: { info: keep, warn: keep, error: keep } });
    this.calls = [];
  }

  /** A kind "k" that keeps its task, waits for goOn(), and says which run it was. */
  addWaiting() {
    const gate = new Promise((resolve) => { this.goOn = resolve; });
    this.#t.after(() => this.goOn());
    this.worker.handler('k', async (task) => {
      this.calls.push(task);
      this.#tell?.();
      await gate;
      return { run: task.runId };
    });
    return this;
  }

  #tell = null;

  async begun(times = 1) {
    while (this.calls.length < times) await new Promise((resolve) => { this.#tell = resolve; });
  }

  async start(options) {
    this.server = await this.worker.start('127.0.0.1:0', options);
    this.#t.after(() => this.server.close());
    this.client = this.dial();
    return this;
  }

  dial(credentials = grpc.credentials.createInsecure(), endpoint = this.server.endpoint) {
    const client = new grpc.Client(endpoint, credentials, OPTIONS);
    this.#t.after(() => client.close());
    return client;
  }

  stream(hello, client = this.client) {
    const stream = new Stream(client, hello);
    this.#t.after(() => stream.breakOff());
    return stream;
  }

  async opened() {
    return this.stream().opened();
  }

  folder() {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'heddle-worker-'));
    this.#t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  /** Paths of a new certificate for 127.0.0.1 and of its key. */
  certificate(folder, name) {
    const [key, certificate] = ['key', 'pem'].map((ending) => path.join(folder, `${name}.${ending}`));
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=here', '-addext',
      'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate], { stdio: 'ignore' });
    return { certificate, key };
  }
}

const read = (completion) => JSON.parse(Buffer.from(completion.result_inline).toString());

module.exports = { Bench, Envelope, ROOT, SDK, Stream, TIMEOUT_MS, grpc, read };
