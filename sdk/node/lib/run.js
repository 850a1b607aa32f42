'use strict';
// One run of an activity, as the worker keeps it, and what is kept at most.
const { MOST_NAME } = require('./inputs');
const { known } = require('./options');
const { Cancelled, MOST_MESSAGE } = require('./task');

/** The run, or an earlier one that has not ended, is there already. */
class TaskExists extends Error {}

/** Nothing is taken, for now or any more. */
class Busy extends Error {}

/** What a server holds at most. */
const LIMITS = Object.freeze({
  streams: 64, // open at the same time; over REST: connections
  reattach: 60, // seconds: for so long a task goes on that no stream asks for
  kept: 1_000, // completions of runs that have ended
  keptBytes: 256 << 20, // and their results together; the newest is always kept
  hello: 10, // seconds: a stream on which nobody says it does not stay
});

/** LIMITS, but for those that are given. Throws: there is no such one, or it is no limit. */
function limitsOf(given) {
  for (const [name, value] of Object.entries(known(given, Object.keys(LIMITS), 'limits'))) {
    if (typeof value !== 'number' || !(value > 0)) throw new TypeError(`the limit "${name}" must be a number above 0`);
  }
  return { ...LIMITS, ...given };
}

/** One run in hand, or ended. */
class Run {
  #controller = null;

  constructor(assignment, listener) {
    this.activityId = assignment.activity_id;
    this.runId = assignment.run_id;
    this.key = `${this.activityId.length}:${this.activityId}${this.runId}`;
    this.assignment = assignment; // let go of when it has begun
    this.heartbeat = Math.max(0, assignment.heartbeat_interval_s) * 1_000;
    this.deadline = Number(assignment.soft_deadline_unix) * 1_000; // milliseconds of Unix; 0: none
    this.listener = listener; // whom its answers go to; null: nobody
    this.isBegun = false;
    this.said = null; // the newest { percent, message, checkpoint }
    this.isUnsaid = false; // the listener has not sent it yet
    this.saidAt = -Infinity;
    this.reason = null; // the Cancelled that it was given up with, and what its completion says then
    this.failure = '';
    this.outcome = null;
    this.deadlineTimer = this.leftTimer = this.sayTimer = null;
  }

  get hasNames() {
    return [this.activityId, this.runId].every((name) => name.length > 0 && name.length <= MOST_NAME);
  }

  /** Made when it is asked for: most handlers never do. */
  get signal() {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.reason) this.#controller.abort(this.reason);
    }
    return this.#controller.signal;
  }

  /** The first reason is the one that stands. */
  cancel(reason, failure = 'cancelled') {
    if (this.reason) return;
    this.reason = new Cancelled(reason ? String(reason).slice(0, MOST_MESSAGE) : undefined);
    this.failure = failure;
    this.#controller?.abort(this.reason);
  }

  /** It has ended, and lets go of what it needs no more: what listens to its signal may hold on to much. */
  end(outcome) {
    this.outcome = outcome;
    this.assignment = this.listener = this.#controller = null;
  }
}

module.exports = { Busy, LIMITS, Run, TaskExists, limitsOf };
