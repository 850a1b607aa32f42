'use strict';
const { now } = require('./timers');

const PROGRESS_MS = 1_000 / 18; // between two of one task; with the last, which goes before the completion, at most 20 a second

/** Of which runs of a stream something is to be said now: their progress, or that they are alive. */
class Reports {
  #timers;
  #wake;
  #due = new Set();

  /** `wake` is told when there is something to say. */
  constructor(timers, wake) {
    this.#timers = timers;
    this.#wake = wake;
  }

  /** The next run of which something is to be said, or undefined. */
  next() {
    for (const run of this.#due) return run;
    return undefined;
  }

  /** The run's answers come here, from now on. */
  add(run) {
    if (run.isUnsaid || run.heartbeat) this.#schedule(run);
  }

  remove(run) {
    this.#due.delete(run);
    this.#timers.remove(run.sayTimer);
    run.sayTimer = null;
  }

  progressed(run) {
    if (!this.#due.has(run)) this.#schedule(run);
  }

  /** The message, which counts as said. */
  take(run) {
    this.#due.delete(run);
    run.isUnsaid = false;
    run.saidAt = now();
    if (run.heartbeat && !run.outcome) this.#schedule(run);
    const { percent, message, checkpoint } = run.said ?? { percent: 0, message: '', checkpoint: '' };
    return { progress: { activity_id: run.activityId, run_id: run.runId, percent, message, checkpoint_ref: checkpoint } };
  }

  // As soon as it may be.
  #schedule(run) {
    const at = run.saidAt + (run.isUnsaid ? PROGRESS_MS : run.heartbeat);
    if (run.sayTimer?.index >= 0 && run.sayTimer.at <= at) return;
    this.remove(run);
    if (at <= now()) this.#isDue(run);
    else run.sayTimer = this.#timers.add(at, () => this.#isDue(run));
  }

  #isDue(run) {
    this.#due.add(run);
    this.#wake();
  }
}

module.exports = { Reports };
