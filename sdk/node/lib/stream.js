'use strict';
const { VERSIONS } = require('./protocol');
const { Reports } = require('./reports');
const { now } = require('./timers');
const { versionsMeet } = require('./version');

const MOST_QUEUED = 256; // answers that the host does not read: nothing more of it is read, then

/** Ends the stream. `code` is the name of a gRPC status. */
class StreamFault extends Error {
  constructor(code, why) {
    super(why);
    this.code = code;
  }
}

/**
 * One TaskStream: what the host says on it, and what it is answered. A listener of the task table.
 * `call` has write(envelope), which says whether more may be written before written() is called; end(fault or null); pause() and resume() of what is heard.
 */
class Stream {
  #table;
  #call;
  #queue = [];
  #runs = new Map(); // key → run whose answers come here
  #reports;
  #helloTimer;
  #fault = null;
  #isGreeted = false;
  #isDraining = false;
  #isHalfClosed = false;
  #isOver = false;
  #isCapacityDue = false;
  #isFull = false; // the call takes no more for now
  #isPaused = false;
  #isWaking = false;

  constructor(table, call) {
    const { hello } = table.limits;
    this.#table = table;
    this.#call = call;
    this.#reports = new Reports(table.timers, () => this.#wake());
    this.#helloTimer = table.timers.add(now() + hello * 1_000, () => this.endOfRequests(new StreamFault('DEADLINE_EXCEEDED', `nobody said "hello" for ${hello} s`)));
  }

  // What the host says.

  /** Of what cannot be understood the host hears at the end of the stream. */
  hear(envelope) {
    const what = envelope.msg;
    if (this.#isOver || this.#fault || !what) return; // the last: of a version to come
    if (what === 'hello') this.#greet(envelope.hello);
    else if (!this.#isGreeted) this.endOfRequests(new StreamFault('FAILED_PRECONDITION', `"${what}" came before "hello"`));
    else if (what === 'assign') this.#table.assign(envelope.assign, this, this.#isDraining ? 'this stream is drained, and takes nothing new' : '');
    else if (what === 'cancel') this.#table.cancel(envelope.cancel.activity_id, envelope.cancel.reason);
    else if (what === 'drain') this.#drain();
    else this.endOfRequests(new StreamFault('INVALID_ARGUMENT', `"${what}" is for the worker to say`));
    if (this.#queue.length >= MOST_QUEUED && !this.#isPaused) {
      this.#isPaused = true;
      this.#call.pause();
    }
  }

  /** The host says nothing more; its tasks are still answered. Or there was a fault: the stream ends. */
  endOfRequests(fault = null) {
    this.#isHalfClosed = true;
    this.#fault ??= fault;
    this.#wake();
  }

  /** The stream is broken, or done: nothing reaches the host any more. */
  over() {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#table.timers.remove(this.#helloTimer);
    for (const run of this.#runs.values()) this.#forget(run);
    this.#queue = [];
    this.#table.leave(this);
  }

  // What it is answered.

  /** There is room again. */
  written() {
    this.#isFull = false;
    this.#answer();
  }

  #wake() {
    if (this.#isWaking || this.#isOver) return;
    this.#isWaking = true; // what happens in one turn of the loop is said together
    setImmediate(() => {
      this.#isWaking = false;
      this.#answer();
    });
  }

  #answer() {
    if (this.#isOver) return;
    let said = 0;
    while (!this.#isFull && said < this.#queue.length) this.#write(this.#queue[said++]);
    this.#queue.splice(0, said);
    if (this.#isPaused && this.#queue.length < MOST_QUEUED) {
      this.#isPaused = false;
      this.#call.resume();
    }
    if (this.#isFull || this.#queue.length) return;
    if (this.#fault) return this.#end(this.#fault);
    if (this.#isCapacityDue) { // after all that was said, and thus true of it
      this.#isCapacityDue = false;
      this.#write({ capacity: { available_slots: this.#isDraining ? 0 : this.#table.available() } });
    }
    for (let run; !this.#isFull && (run = this.#reports.next());) this.#write(this.#reports.take(run));
    if (!this.#isFull && (this.#table.isClosed || (this.#isHalfClosed && !this.#runs.size))) this.#end(null);
  }

  #write(envelope) {
    this.#isFull = !this.#call.write(envelope);
  }

  #end(fault) {
    this.over();
    this.#call.end(fault);
  }

  // The table tells.

  acked(run) {
    this.#runs.set(run.key, run);
    this.#say({ ack: { activity_id: run.activityId, run_id: run.runId } });
    this.#reports.add(run);
  }

  progressed(run) {
    if (this.#runs.has(run.key)) this.#reports.progressed(run);
  }

  completed(run) {
    if (this.#runs.get(run.key) === run) {
      const isUnsaid = run.isUnsaid;
      this.#forget(run);
      if (isUnsaid) this.#say(this.#reports.take(run));
    }
    const { status, result_ref, result_inline, error } = run.outcome;
    this.#say({ completion: { activity_id: run.activityId, run_id: run.runId, status, result_ref, result_inline, error } });
    if (this.#isDraining) this.capacityChanged();
  }

  capacityChanged() {
    this.#isCapacityDue = this.#isGreeted;
    this.#wake();
  }

  /** Another stream has asked for the run: its answers go there. */
  moved(run) {
    this.#forget(run);
    this.#wake();
  }

  #greet(hello) {
    if (this.#isGreeted) return this.endOfRequests(new StreamFault('INVALID_ARGUMENT', '"hello" was said already'));
    let doMeet;
    try {
      doMeet = versionsMeet(VERSIONS, hello);
    } catch (wrong) {
      return this.endOfRequests(new StreamFault('INVALID_ARGUMENT', `hello: ${wrong.message}`));
    }
    this.#table.timers.remove(this.#helloTimer);
    this.#say({ hello_ack: VERSIONS });
    if (!doMeet) return this.endOfRequests(new StreamFault('FAILED_PRECONDITION', `the host speaks versions ${shown(hello)} of the protocol, the worker ${shown(VERSIONS)}`));
    this.#say({ capabilities: { max_concurrency: this.#table.slots, tags: this.#table.worker.tags } });
    this.#isGreeted = true;
    this.#table.join(this);
    return this.capacityChanged();
  }

  #drain() {
    this.#isDraining = true;
    this.capacityChanged();
  }

  #say(envelope) {
    if (this.#isOver) return;
    this.#queue.push(envelope);
    this.#wake();
  }

  #forget(run) {
    this.#runs.delete(run.key);
    this.#reports.remove(run);
  }
}

const shown = ({ min, max }) => `${min.slice(0, 80) || 'any'} to ${max.slice(0, 80) || 'any'}`;

module.exports = { MOST_QUEUED, Stream, StreamFault };
