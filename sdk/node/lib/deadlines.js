'use strict';
const { now } = require('./timers');

const LATE_MS = 1_000; // for a handler to end after its deadline, before it is answered without it
const TOO_LATE = 'the deadline has passed';

/** When runs are given up because nobody waits for them any longer. */
class Deadlines {
  #timers;
  #answer;

  /** `answer` is told a run whose handler has not ended even then. */
  constructor(timers, answer) {
    this.#timers = timers;
    this.#answer = answer;
  }

  add(run) {
    if (this.check(run) || !run.deadline) return;
    run.deadlineTimer = this.#timers.add(now() + run.deadline - Date.now(), () => {
      run.cancel(TOO_LATE, TOO_LATE);
      run.deadlineTimer = this.#timers.add(now() + LATE_MS, () => this.#answer(run));
    });
  }

  remove(run) {
    this.#timers.remove(run.deadlineTimer);
  }

  /** Whether it has passed; a handler that computes lets no timer be called. */
  check(run) {
    const has = run.deadline !== 0 && Date.now() >= run.deadline;
    if (has) run.cancel(TOO_LATE, TOO_LATE);
    return has;
  }
}

module.exports = { Deadlines };
