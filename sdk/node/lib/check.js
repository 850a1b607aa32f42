'use strict';
// Whether values are what an activity spec says of them, judged as the host judges.
//
// Unlike there, what is said never shows a text that was given: it may be a secret.
const { Fraction } = require('./json');
const { suggestion } = require('./nearest');
const { Ref } = require('./ref');

const MOST_FAULTS = 20, SHOWN = 40;

/** Everything that is wrong, by JSON Pointer. */
class DoesNotFit extends TypeError {
  name = 'DoesNotFit';
}

/** Whether these are the activity's inputs: a map with each of them, of its type, and nothing else. DoesNotFit says everything that is wrong. */
function checkInputs(activity, inputs) {
  new Check().params(activity, activity.inputs, inputs, 'input');
}

/** The same of its outputs. */
function checkOutputs(activity, outputs) {
  new Check().params(activity, activity.outputs, outputs, 'output');
}

/** What a value is, for people, without its text. */
function describe(value) {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'boolean') return `the boolean ${value}`;
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${shortened(String(value))}`;
  if (value instanceof Fraction) return `the number ${shortened(value.text)}`;
  if (typeof value === 'string' || value instanceof Ref) return `a text of ${counted(String(value).length, 'character')}`;
  if (value instanceof Uint8Array) return counted(value.length, 'byte');
  if (Array.isArray(value)) return value.length ? `a list of ${value.length}` : 'an empty list';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const count = Object.keys(value).length;
  return count ? `an object with ${counted(count, 'member')}` : 'an empty object';
}

/** The JSON Pointer of a member of what is at `path`. */
function pointer(path, key) {
  return `${path}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

const counted = (count, what) => (count === 1 ? `${count} ${what}` : `${count} ${what}s`);
const shortened = (text) => (text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`);
const isMap = (value) => typeof value === 'object' && value !== null && !Array.isArray(value) &&
  !(value instanceof Ref || value instanceof Fraction || value instanceof Uint8Array);

class Check {
  #said = [];
  #faults = 0;

  params(activity, wanted, given, what) {
    if (!isMap(given)) {
      this.#fault('', `the ${what}s must be a map, not ${describe(given)}`);
    } else {
      for (const param of wanted) this.#member(param.type, given, param.name, what, '');
      this.#noOthers(given, wanted.map((param) => param.name), what, '');
    }
    if (!this.#faults) return;
    const more = this.#faults > MOST_FAULTS ? `; and ${this.#faults - MOST_FAULTS} more` : '';
    throw new DoesNotFit(`activity "${activity.kind}": ${this.#said.join('; ')}${more}`);
  }

  #fault(path, message) {
    if (++this.#faults <= MOST_FAULTS) this.#said.push(path ? `${path}: ${message}` : message);
  }

  #noOthers(given, names, what, path) {
    const known = new Set(names);
    for (const key of Object.keys(given)) {
      if (known.has(key)) continue;
      this.#fault(pointer(path, shortened(key)), this.#faults < MOST_FAULTS ? `there is no such ${what}${suggestion(key, names)}` : '');
    }
  }

  #member(type, given, name, what, path) {
    const at = pointer(path, name);
    if (Object.hasOwn(given, name)) this.#fits(type, given[name], at);
    else this.#fault(at, `the ${what} is missing`);
  }

  #fits(type, value, path) {
    if (!isOfKind(type, value)) {
      this.#fault(path, `must be ${type}, not ${describe(value)}`);
    } else if (type.kind === 'list') {
      for (let i = 0; i < value.length && this.#faults <= MOST_FAULTS; ++i) this.#fits(type.of[0], value[i], pointer(path, i));
    } else if (type.kind === 'tuple' && type.names.length) {
      type.of.forEach((one, i) => this.#member(one, value, type.names[i], 'part', path));
      this.#noOthers(value, type.names, 'part', path);
    } else if (type.kind === 'tuple') {
      type.of.forEach((one, i) => this.#fits(one, value[i], pointer(path, i)));
    }
  }
}

function isOfKind(type, value) {
  switch (type.kind) {
    case 'string': return typeof value === 'string' || value instanceof Ref;
    case 'bool': return typeof value === 'boolean';
    case 'int': return typeof value === 'bigint' || Number.isInteger(value); // of any size: what a chain counts may be larger than 64 bits
    case 'list': return Array.isArray(value);
    default: return type.names.length ? isMap(value) : Array.isArray(value) && value.length === type.of.length;
  }
}

module.exports = { DoesNotFit, checkInputs, checkOutputs, describe, pointer };
