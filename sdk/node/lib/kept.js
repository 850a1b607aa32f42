'use strict';

/** Runs that have ended, with their outcomes: the newest ones. */
class Kept {
  #limits;
  #runs = new Map(); // key → run, the oldest first
  #bytes = 0;

  constructor(limits) {
    this.#limits = limits;
  }

  get(key) {
    return this.#runs.get(key);
  }

  /** The newest run of the activity, or undefined. */
  find(activityId) {
    let found;
    for (const run of this.#runs.values()) if (run.activityId === activityId) found = run;
    return found;
  }

  /** Keeps it, and lets go of the oldest ones where there are too many, or their results too large. */
  add(run) {
    this.#runs.set(run.key, run);
    this.#bytes += run.outcome.result_inline.length;
    for (const [key, oldest] of this.#runs) {
      if (this.#runs.size <= this.#limits.kept && (this.#bytes <= this.#limits.keptBytes || this.#runs.size === 1)) break;
      this.#runs.delete(key);
      this.#bytes -= oldest.outcome.result_inline.length;
    }
  }
}

module.exports = { Kept };
