'use strict';
const { pointer } = require('./check');
const { suggestion } = require('./nearest');
const { NumberText } = require('./spec_file');

const MOST_WORKERS = 10_000;
const TYPES = { list: [Array.isArray, 'a list'], text: [(value) => typeof value === 'string', 'a string'], flag: [(value) => typeof value === 'boolean', 'true or false'] };

/** One map of a spec, with a fixed set of keys. What has the wrong type is reported, and then stands for what is left out. */
class Fields {
  #faults;
  #what;
  #map;

  constructor(faults, entry, path, keys, what) {
    const isMap = typeof entry === 'object' && entry !== null && !Array.isArray(entry) && !(entry instanceof NumberText);
    this.path = path;
    this.#faults = faults;
    this.#what = what;
    this.#map = isMap ? entry : {};
    if (!isMap) this.fault(path, `${what} must be a map`);
    for (const key of Object.keys(this.#map)) {
      if (keys.includes(key) || key.startsWith('x-')) continue;
      this.fault(pointer(path, key), `${what} has no key "${key}"${suggestion(key, keys) || `; known are ${keys.join(', ')}`}`);
    }
  }

  /** The value as it is, or undefined. */
  raw(key) {
    return Object.hasOwn(this.#map, key) ? this.#map[key] : undefined;
  }

  list(key, isNeeded = false) {
    return this.#get(key, TYPES.list, [], isNeeded);
  }

  flag(key) {
    return this.#get(key, TYPES.flag, false, false);
  }

  text(key, isNeeded = false) {
    return this.#get(key, TYPES.text, '', isNeeded);
  }

  /** A text, or a number: a version such as 1.0 is one to YAML, and in an object. */
  label(key, isNeeded = false) {
    const value = this.raw(key);
    if (value instanceof NumberText) return value.text;
    return typeof value === 'number' ? String(value) : this.text(key, isNeeded);
  }

  /** A text or a label that may not be empty. */
  required(key, isLabel = false) {
    if (this.raw(key) === '') this.fault(pointer(this.path, key), `"${key}" is empty`);
    return isLabel ? this.label(key, true) : this.text(key, true);
  }

  count(key) {
    const value = this.raw(key), number = value instanceof NumberText && /^\d{1,9}$/.test(value.text) ? Number(value.text) : value;
    if (value === undefined) return 1;
    if (Number.isInteger(number) && number >= 1 && number <= MOST_WORKERS) return number;
    this.fault(pointer(this.path, key), `"${key}" must be a whole number from 1 to ${MOST_WORKERS}`);
    return 1;
  }

  fault(path, message) {
    this.#faults.push(path ? `${path}: ${message}` : message);
  }

  #get(key, [isIt, expected], otherwise, isNeeded) {
    const value = this.raw(key);
    if (value === undefined) {
      if (isNeeded) this.fault(this.path, `${this.#what} needs "${key}"`);
      return otherwise;
    }
    if (isIt(value)) return value;
    this.fault(pointer(this.path, key), `"${key}" must be ${expected}`);
    return otherwise;
  }
}

module.exports = { Fields };
