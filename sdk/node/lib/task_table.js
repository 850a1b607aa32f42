'use strict';
const { Deadlines } = require('./deadlines');
const { MOST_NAME } = require('./inputs');
const { Kept } = require('./kept');
const { failed } = require('./outcome');
const { Refused } = require('./refused');
const { Busy, Run, TaskExists, limitsOf } = require('./run');
const { Timers, now } = require('./timers');

const MOST_SLOTS = 10_000;

/**
 * The tasks in hand, the completions kept, and the slots: the one place that both servers share.
 * A listener has acked(run), progressed(run), completed(run), moved(run) and capacityChanged(); none of them throws.
 */
class TaskTable {
  #inHand = new Map(); // key → run
  #late = new Set(); // runs that were answered, while their handlers go on: their slots are not free
  #ended;
  #deadlines;
  #listeners = new Set();
  #idle = []; // who waits for nothing to be in hand

  constructor(worker, slots, limits) {
    if (!Number.isInteger(slots) || slots < 1 || slots > MOST_SLOTS) throw new TypeError(`slots must be from 1 to ${MOST_SLOTS}, not ${slots}`);
    this.worker = worker;
    this.slots = slots;
    this.limits = limitsOf(limits);
    this.timers = new Timers();
    this.isDraining = this.isClosed = false;
    this.#ended = new Kept(this.limits);
    this.#deadlines = new Deadlines(this.timers, (run) => this.#endWithoutHandler(run));
  }

  available() {
    return this.isDraining ? 0 : this.slots - this.#inHand.size - this.#late.size;
  }

  /** The newest run of the activity, or undefined. */
  find(activityId) {
    let found;
    for (const run of this.#inHand.values()) if (run.activityId === activityId) found = run;
    return found ?? this.#ended.find(activityId);
  }

  join(listener) {
    this.#listeners.add(listener);
  }

  /** Its tasks go on without it, for a while. */
  leave(listener) {
    this.#listeners.delete(listener);
    for (const run of this.#inHand.values()) if (run.listener === listener) this.#leave(run);
  }

  /** Begins the run, or goes on with it, or says its completion again; or says one that tells why it is not taken: `refusal`, if there is one. */
  assign(assignment, listener, refusal = '') {
    const run = new Run(assignment, listener);
    const known = this.#inHand.get(run.key) ?? this.#ended.get(run.key);
    if (known) return this.#sayAgain(known, listener);
    const why = refusal || this.#refusal(run);
    if (!why) return this.#take(run);
    run.end(failed(why));
    if (run.hasNames) this.#ended.add(run); // whoever asks for this run again is told the same
    return listener.completed(run);
  }

  /** Begins the run of what Worker.bind has made of the assignment; its completion is told to the listener. TaskExists, or Busy: nothing is begun, and nothing kept. */
  add(assignment, bound, listener = null) {
    const run = new Run(assignment, listener);
    const known = this.find(run.activityId);
    if (known && (!known.outcome || this.#ended.get(run.key))) throw new TaskExists(`there is this task already: run "${known.runId}"`);
    const why = this.#refusal(run);
    if (why) throw new Busy(why);
    this.#take(run, bound);
  }

  /** Gives up every run of the activity. false: none is in hand. */
  cancel(activityId, reason) {
    const runs = [...this.#inHand.values()].filter((run) => run.activityId === activityId);
    for (const run of runs) run.cancel(reason);
    return runs.length > 0;
  }

  cancelAll(reason) {
    for (const run of this.#inHand.values()) run.cancel(reason);
  }

  /** Nothing new is taken any more. */
  drain() {
    this.isDraining = true;
    this.#tellCapacity();
  }

  /** Whether nothing is in hand any more, at the end. */
  async untilIdle(seconds) {
    if (!this.#inHand.size) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), seconds * 1_000);
      this.#idle.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  /** Ends the table; what is in hand fails with `why`, whatever its handler still does. */
  close(why = 'the worker has ended') {
    if (this.isClosed) return;
    this.isDraining = this.isClosed = true;
    for (const run of [...this.#inHand.values()]) {
      run.cancel(why);
      this.#end(run, failed(why));
    }
    this.#tellCapacity();
    this.timers.close();
  }

  #sayAgain(run, listener) {
    if (run.outcome) return listener.completed(run);
    if (run.listener && run.listener !== listener) run.listener.moved(run);
    this.timers.remove(run.leftTimer);
    run.listener = listener;
    run.isUnsaid ||= run.said !== null;
    return listener.acked(run);
  }

  #refusal(run) {
    if (!run.hasNames) return `an assignment needs an activity_id and a run_id, each of at most ${MOST_NAME} characters`;
    if (this.isDraining) return 'the worker is ending, and takes nothing new';
    return this.available() > 0 ? '' : `no slot is free: all ${this.slots} are taken`;
  }

  #take(run, bound = null) {
    this.#inHand.set(run.key, run);
    this.#deadlines.add(run);
    run.listener?.acked(run);
    this.#tellCapacity();
    this.#work(run, bound);
  }

  async #work(run, bound) {
    let outcome;
    try {
      const { entry, task } = bound ?? this.worker.bind(run.assignment);
      run.assignment = null;
      run.isBegun = true;
      task.attach(run, this.#report);
      if (!run.reason) outcome = await this.worker.perform(entry, task);
    } catch (error) {
      outcome = failed(error instanceof Refused ? error.message : String(error?.name)); // the host is owed an answer all the same
    }
    this.#deadlines.check(run);
    this.#end(run, run.reason ? failed(run.failure) : outcome);
    if (this.#late.delete(run)) this.#tellCapacity();
  }

  #report = (run, percent, message, checkpoint) => {
    if (run.outcome) return;
    run.said = { percent, message, checkpoint: checkpoint ?? run.said?.checkpoint ?? '' };
    run.isUnsaid = true;
    run.listener?.progressed(run);
  };

  #endWithoutHandler(run) {
    this.#late.add(run);
    this.#end(run, failed(run.failure));
  }

  #leave(run) {
    const { reattach } = this.limits;
    run.listener = null;
    run.leftTimer = this.timers.add(now() + reattach * 1_000, () => {
      this.worker.log.warn(`task "${run.activityId}", run "${run.runId}": no stream has asked for it for ${reattach} s: it is cancelled`);
      run.cancel(`no stream has asked for it for ${reattach} s`);
    });
  }

  #end(run, outcome) {
    if (this.#inHand.get(run.key) !== run) return; // it was given up before
    this.#inHand.delete(run.key);
    this.#deadlines.remove(run);
    this.timers.remove(run.leftTimer);
    const { listener } = run;
    run.end(outcome);
    this.#ended.add(run);
    listener?.completed(run);
    this.#tellCapacity();
    if (!this.#inHand.size) for (const tell of this.#idle.splice(0)) tell();
  }

  #tellCapacity() {
    for (const listener of this.#listeners) listener.capacityChanged();
  }
}

module.exports = { TaskTable };
