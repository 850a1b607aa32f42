'use strict';
const { performance } = require('node:perf_hooks');

const LONGEST_MS = 2 ** 31 - 1; // of one timer of Node

const now = () => performance.now();

/** What is to be called when its time comes, with one timer of Node for all of it. A heap: the next one is the first. */
class Timers {
  #heap = [];
  #timer = null;
  #timerAt = Infinity;

  /** `at` is of the clock of now(). What is returned can be removed. */
  add(at, call) {
    const entry = { at, call, index: this.#heap.length };
    this.#heap.push(entry);
    this.#rise(entry);
    if (entry.index === 0) this.#arm();
    return entry;
  }

  /** Also what has been called, or removed before, and null. */
  remove(entry) {
    if (!entry || entry.index < 0) return;
    const last = this.#heap.pop(), { index } = entry;
    entry.index = -1;
    if (last === entry) return;
    this.#put(last, index);
    this.#rise(last);
    this.#sink(last);
  }

  close() {
    for (const entry of this.#heap) entry.index = -1;
    this.#heap = [];
    clearTimeout(this.#timer);
  }

  #arm() {
    const { at } = this.#heap[0];
    if (this.#timerAt <= at) return; // it comes soon enough
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#call(), Math.min(LONGEST_MS, Math.max(0, Math.ceil(at - now()))));
    this.#timer.unref();
  }

  #call() {
    this.#timerAt = Infinity;
    const until = now();
    while (this.#heap.length && this.#heap[0].at <= until) {
      const entry = this.#heap[0];
      this.remove(entry);
      entry.call();
    }
    if (this.#heap.length) this.#arm();
  }

  #put(entry, index) {
    this.#heap[index] = entry;
    entry.index = index;
  }

  #rise(entry) {
    for (let parent; entry.index > 0 && (parent = this.#heap[(entry.index - 1) >> 1]).at > entry.at;) this.#swap(parent, entry);
  }

  #sink(entry) {
    for (;;) {
      const left = this.#heap[2 * entry.index + 1], right = this.#heap[2 * entry.index + 2];
      const child = right && right.at < left.at ? right : left;
      if (!child || child.at >= entry.at) return;
      this.#swap(entry, child);
    }
  }

  #swap(upper, lower) {
    const { index } = upper;
    this.#put(upper, lower.index);
    this.#put(lower, index);
  }
}

module.exports = { Timers, now };
