'use strict';
// The types of an activity spec: string, bool, int; []T, a list of any length; (T, T), a list of just these, or with names, (T a, T b), a map of just these.
const { suggestion } = require('./nearest');

const MOST_TEXT = 1_000, MOST_DEPTH = 16;

class ActivityType {
  /**
   * @param {'string' | 'bool' | 'int' | 'list' | 'tuple'} kind
   * @param {ActivityType[]} of of a list, its one; of a tuple, each
   * @param {string[]} names of a tuple: as many, or none
   */
  constructor(kind, of = [], names = []) {
    Object.assign(this, { kind, of, names });
  }

  toString() {
    if (this.kind === 'list') return `[]${this.of[0]}`;
    if (this.kind !== 'tuple') return this.kind;
    return `(${this.of.map((one, i) => (this.names.length ? `${one} ${this.names[i]}` : String(one))).join(', ')})`;
  }
}

/** The type that the text means. Throws, and says why, where it is none. */
function readActivityType(text) {
  if (Buffer.byteLength(text) > MOST_TEXT) throw new TypeError(`longer than ${MOST_TEXT} characters`);
  return new TypeReader(text).read();
}

// By recursive descent; the text is short, and the depth bounded.
class TypeReader {
  #rest;

  constructor(text) {
    this.#rest = text;
  }

  read() {
    const found = this.#type(0);
    this.#skipBlanks();
    if (this.#rest) throw new TypeError(`nothing may follow "${found}", but "${this.#rest}" does`);
    return found;
  }

  #type(depth) {
    if (depth > MOST_DEPTH) throw new TypeError(`nested more than ${MOST_DEPTH} deep`);
    this.#skipBlanks();
    if (this.#take('[]')) return new ActivityType('list', [this.#type(depth + 1)]);
    if (this.#take('tuple(') || this.#take('(')) return this.#tuple(depth);
    const word = this.#word();
    if (['string', 'bool', 'int'].includes(word)) return new ActivityType(word);
    const why = word ? `there is no type "${word}"` : 'a type is missing';
    throw new TypeError(why + (suggestion(word, ['string', 'bool', 'int']) || ': string, bool, int, []T, (T, T)'));
  }

  #tuple(depth) {
    const of = [], names = [];
    do {
      of.push(this.#type(depth + 1));
      this.#skipBlanks();
      const name = this.#word();
      if (names.includes(name)) throw new TypeError(`"${name}" is twice in the tuple`);
      if (name) names.push(name);
      this.#skipBlanks();
    } while (this.#take(','));
    if (!this.#take(')')) throw new TypeError('the tuple has no end: ")"');
    if (names.length && names.length !== of.length) throw new TypeError('all parts of a tuple have a name, or none');
    return new ActivityType('tuple', of, names);
  }

  #skipBlanks() {
    this.#rest = this.#rest.replace(/^ +/, '');
  }

  #take(what) {
    const is = this.#rest.startsWith(what);
    if (is) this.#rest = this.#rest.slice(what.length);
    return is;
  }

  #word() {
    const [word] = /^[A-Za-z0-9_]*/.exec(this.#rest);
    this.#take(word);
    return word;
  }
}

module.exports = { ActivityType, readActivityType };
