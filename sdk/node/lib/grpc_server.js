'use strict';
// The worker as a gRPC server: /execution.v1.Execution/TaskStream.
const grpc = require('@grpc/grpc-js');
const address = require('./address');
const { Sockets, drained } = require('./ending');
const { sendable } = require('./json');
const { known } = require('./options');
const { MOST_MESSAGE_BYTES } = require('./outcome');
const { METHOD, PATH, decode, encode } = require('./protocol');
const { Stream, StreamFault } = require('./stream');
const { TaskTable } = require('./task_table');

const LAST_WORDS_MS = 2_000; // for what has been said to reach the host, at the end
const OPTIONS = {
  'grpc.max_receive_message_length': MOST_MESSAGE_BYTES, 'grpc.max_send_message_length': MOST_MESSAGE_BYTES,
  'grpc.keepalive_time_ms': 20_000, 'grpc.keepalive_timeout_ms': 10_000,
};
const same = (data) => data; // bytes come in, so that what cannot be read is answered in our words
const METHODS = {
  [METHOD]: { path: PATH, requestStream: true, responseStream: true, requestSerialize: same, requestDeserialize: same, responseSerialize: encode, responseDeserialize: same },
};

/** Serves from start() until drain() or close(). */
class GrpcServer {
  #table;
  #server = new grpc.Server(OPTIONS);
  #sockets = new Sockets();
  #calls = new Map(); // call → stream, until everything has been sent
  #allGone = null; // told when there are no more
  #closing = null;

  constructor(table) {
    this.#table = table;
    this.#server.addService(METHODS, { [METHOD]: (call) => this.#open(call) });
  }

  /** Rejects: the address, or plain text where others could read it; or it cannot be had, or a certificate cannot be read. */
  static async start(worker, where, options) {
    const { slots = 1, tls = null, insecure = false, limits } = known(options, ['slots', 'tls', 'insecure', 'limits'], 'a server');
    const { host, port } = address.split(where);
    address.checkPlain(host, tls, insecure);
    const contents = tls ? address.contentsOf(tls) : null;
    const server = new GrpcServer(new TaskTable(worker, slots, limits));
    try {
      const bound = await server.#bind(address.join(host, port), contents);
      /** @type {string} host and port, with the one that it has got */
      server.endpoint = address.join(host, bound);
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  /** Takes nothing new, waits for what is in hand at most `grace` seconds, cancels the rest, and ends. Whether everything came to its end in time. */
  async drain(grace = 30) {
    const isDone = await drained(this.#table, grace);
    await this.close();
    return isDone;
  }

  /** Ends at once: what is in hand fails. Then the port is free, and nothing of the server is left but handlers that do not notice that they are cancelled. */
  close() {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close() {
    this.#table.close();
    for (const stream of this.#calls.values()) stream.endOfRequests(); // those on which nobody has said hello, too
    const late = { timer: null };
    const isLate = new Promise((resolve) => { late.timer = setTimeout(resolve, LAST_WORDS_MS); });
    if (this.#calls.size) await Promise.race([isLate, new Promise((resolve) => { this.#allGone = resolve; })]);
    await Promise.race([isLate, new Promise((resolve) => { this.#server.tryShutdown(resolve); })]);
    clearTimeout(late.timer);
    this.#server.forceShutdown();
    this.#sockets.destroy();
  }

  async #bind(endpoint, contents) {
    try {
      const credentials = contents
        ? grpc.ServerCredentials.createSsl(contents.ca, [{ private_key: contents.key, cert_chain: contents.cert }], contents.ca !== null)
        : grpc.ServerCredentials.createInsecure();
      const port = await new Promise((resolve, reject) => this.#server.bindAsync(endpoint, credentials, (error, found) => (error ? reject(error) : resolve(found))));
      for (const server of this.#server.http2Servers?.keys() ?? []) this.#sockets.watch(server); // grpc-js knows a connection only after its handshake
      return port;
    } catch (error) {
      throw new Error(`cannot listen on ${endpoint}: it is taken, or not of this machine, or the certificate and its key are none: ${error.message}`, { cause: error });
    }
  }

  #open(call) {
    if (this.#calls.size >= this.#table.limits.streams) return endCall(call, new StreamFault('RESOURCE_EXHAUSTED', `${this.#calls.size} streams are open: no more are taken`));
    const stream = new Stream(this.#table, {
      write: (envelope) => call.write(envelope), end: (fault) => endCall(call, fault), pause: () => call.pause(), resume: () => call.resume(),
    });
    this.#calls.set(call, stream);
    call.on('data', (data) => hear(stream, data));
    call.on('end', () => stream.endOfRequests());
    call.on('drain', () => stream.written());
    for (const sign of ['cancelled', 'close', 'error']) call.on(sign, () => stream.over());
    return call.on('close', () => this.#gone(call));
  }

  #gone(call) {
    this.#calls.delete(call);
    if (!this.#calls.size) this.#allGone?.();
  }
}

function hear(stream, data) {
  let envelope;
  try {
    envelope = decode(data);
  } catch {
    return stream.endOfRequests(new StreamFault('INVALID_ARGUMENT', 'what came is not an Envelope of execution.v1'));
  }
  return stream.hear(envelope);
}

function endCall(call, fault) {
  if (fault) call.emit('error', { code: grpc.status[fault.code], details: sendable(fault.message) });
  else call.end();
}

module.exports = { GrpcServer };
