'use strict';
// What a handler sees: the task, and the values that it may give back besides JSON and bytes.
const { readInputs } = require('./inputs');
const { sendable } = require('./json');
const { Ref } = require('./ref');

const MOST_REF = 16_384, MOST_MESSAGE = 1_000; // characters; a message that is longer is cut

const SKIPPED = Symbol('SKIPPED'); // there was nothing to do

/** The task was given up. The message is why, where the host has said it. */
class Cancelled extends Error {
  name = 'Cancelled';

  constructor(message = 'cancelled', options = undefined) {
    super(message, options);
  }
}

/** One run of an activity. */
class Task {
  #run = null;
  #report = null;

  /** Throws: what cannot be understood. */
  constructor(assignment) {
    /** @type {string} */
    this.activityId = assignment.activity_id;
    /** @type {string} */
    this.runId = assignment.run_id;
    /** @type {string} */
    this.workflowInstanceId = assignment.workflow_instance_id;
    /** @type {string} */
    this.kind = assignment.task_kind;
    /** @type {string} */
    this.version = assignment.task_version;
    /** @type {string} results may be PUT to URLs that begin with it */
    this.uploadPrefix = assignment.upload_prefix;
    /** @type {number | null} Unix seconds: then it is given up */
    this.deadline = Number(assignment.soft_deadline_unix) || null;
    /** @type {Object<string, any>} name → JSON value, Buffer, or Ref */
    this.inputs = readInputs(assignment.inputs);
    /** @type {any} what an earlier run has told to progress(), or null */
    this.checkpoint = this.inputs.checkpoint ?? null;
  }

  /** Of the server: the run that this is, and what is told of progress. */
  attach(run, report) {
    this.#run = run;
    this.#report = report;
  }

  /** @returns {AbortSignal} aborted when the task is given up; its reason is a Cancelled */
  get signal() {
    return this.#run.signal;
  }

  /** Throws a Cancelled, if the task was given up. */
  check() {
    if (this.#run.reason) throw this.#run.reason;
  }

  /**
   * Says how far it is, 0 to 100; more often than 18 times a second only the last one is sent.
   * `checkpoint` is from where another run may go on: a text or a Ref. null: from where was said before; "": from nowhere.
   */
  progress(percent, message = '', checkpoint = null) {
    const from = checkpoint instanceof Ref ? checkpoint.url : checkpoint;
    if (from !== null && from !== undefined && (typeof from !== 'string' || from.length > MOST_REF)) throw new TypeError(`a checkpoint is a text of at most ${MOST_REF} characters`);
    const shown = Math.trunc(Math.min(100, Math.max(0, Number(percent)))) || 0;
    this.#report(this.#run, shown, sendable(String(message).slice(0, MOST_MESSAGE)), typeof from === 'string' ? sendable(from) : null);
  }
}

module.exports = { Cancelled, MOST_MESSAGE, MOST_REF, SKIPPED, Task };
