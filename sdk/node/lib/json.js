'use strict';
// JSON whose whole numbers stay whole: those beyond 2^53 are BigInts, in both directions.
const { randomBytes } = require('node:crypto');

const LARGE = /(?<![.\d])\d{16}/, FRACTION = /\d[.eE]/, NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const TAG = `\0${randomBytes(16).toString('hex')}:`; // no text of anybody else begins so
const TAGGED = new RegExp(`"\\\\u0000${TAG.slice(1)}(-?\\d+)"`, 'g');
const MOST_DEPTH = 1_000;

/** A number that is written with a point or an exponent: no whole one, whatever its value. */
class Fraction {
  constructor(text) {
    this.text = text;
  }
}

/** A value that JSON cannot say. */
class NotJson extends TypeError {}

/** Strictly. Throws, and never shows what is in the text. */
function parseJson(text) {
  const value = parse(text);
  return LARGE.test(text) ? revive(text, (number) => (isLarge(number) ? BigInt(number) : Number(number))) : value;
}

/** The same, but with a Fraction for each number that is not written as a whole one. */
function parseExactly(text) {
  const value = parse(text);
  if (!FRACTION.test(text)) return LARGE.test(text) ? parseJson(text) : value;
  return revive(text, (number) => (FRACTION.test(number) ? new Fraction(number) : isLarge(number) ? BigInt(number) : Number(number)));
}

/** Whether parseExactly may see what parseJson does not. */
const hasFractions = (text) => FRACTION.test(text);

/** The JSON of what a handler returns. NotJson says where it cannot be said. */
function formatJson(value) {
  const survey = { hasBigInt: false, keys: [] };
  look(value, survey);
  const text = survey.hasBigInt
    ? JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? TAG + one : one)).replace(TAGGED, '$1')
    : JSON.stringify(value);
  if (text.includes('\\ud') && /(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(text)) throw new NotJson('a text with half a character');
  return text;
}

/** The text with ? in place of half characters, which no message can carry. */
function sendable(text) {
  return /[\ud800-\udfff]/.test(text) ? text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '?') : text;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch (wrong) { // its message shows some of the text
    const at = /at position (\d+)/.exec(wrong.message);
    const before = at ? text.slice(0, Number(at[1])) : '';
    const where = at ? `: line ${before.split('\n').length}, column ${before.length - before.lastIndexOf('\n')}` : '';
    throw new TypeError(`is not JSON${/end of JSON/.test(wrong.message) ? ': it ends early' : where}`);
  }
}

const isLarge = (number) => !FRACTION.test(number) && !Number.isSafeInteger(Number(number));

// The value of a text that is known to be JSON, with its numbers made by `make`.
function revive(text, make) {
  const tagged = JSON.stringify(TAG).slice(1, -1);
  const marked = outsideOfTexts(text, (part) => part.replace(NUMBER, (number) => `"${tagged}${number}"`));
  try {
    return JSON.parse(marked, (_, one) => (typeof one === 'string' && one.startsWith(TAG) ? make(one.slice(TAG.length)) : one));
  } catch {
    throw new TypeError('is nested too deep');
  }
}

function outsideOfTexts(text, change) {
  const out = [];
  for (let at = 0; at < text.length;) {
    const found = text.indexOf('"', at), begin = found < 0 ? text.length : found;
    out.push(change(text.slice(at, begin)));
    at = begin;
    for (let isIn = found >= 0; isIn;) {
      at = text.indexOf('"', at + 1);
      let slashes = 0;
      while (text[at - 1 - slashes] === '\\') ++slashes;
      isIn = slashes % 2 === 1;
    }
    at = found < 0 ? at : at + 1;
    out.push(text.slice(begin, at));
  }
  return out.join('');
}

function look(value, survey) {
  switch (typeof value) {
    case 'string': case 'boolean': return;
    case 'bigint': survey.hasBigInt = true; return;
    case 'number': return Number.isFinite(value) ? undefined : refuse(String(value), survey);
    case 'object': return value === null ? undefined : lookInto(value, survey);
    default: return refuse(typeof value, survey);
  }
}

function lookInto(value, survey) {
  if (survey.keys.length >= MOST_DEPTH) throw new NotJson(`nested more than ${MOST_DEPTH} deep, or in a circle`);
  if (typeof value.toJSON === 'function' && !ArrayBuffer.isView(value)) return look(value.toJSON(''), survey);
  const prototype = Object.getPrototypeOf(value), isList = Array.isArray(value);
  if (!isList && prototype !== Object.prototype && prototype !== null) refuse(`a ${value.constructor?.name ?? 'strange object'}`, survey);
  for (const key of isList ? value.keys() : Object.keys(value)) {
    const one = value[key];
    if (one === undefined && !isList) continue; // left out, as always
    survey.keys.push(key);
    look(one, survey);
    survey.keys.pop();
  }
}

function refuse(what, survey) {
  const at = survey.keys.map((key) => `/${String(key).slice(0, 40).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('').slice(0, 200);
  throw new NotJson(at ? `${what} at ${at}` : what);
}

module.exports = { Fraction, NotJson, formatJson, hasFractions, parseExactly, parseJson, sendable };
