'use strict';
// Keeps what came in with a task out of errors and logs: a presigned URL or a token in an input is nobody else's.
const { inspect } = require('node:util');
const { sendable } = require('./json');
const { Ref } = require('./ref');

const SHORTEST = 4, MOST_TEXTS = 10_000, LONGEST_BYTES = 4_096, SHOWN = 500, MOST_CAUSES = 5, LONGEST_TRACE = 1 << 16;
const QUOTED = /(?:Unexpected [^]{0,200}?|"[^]{0,100}?")(?:\.\.\.)? is not valid JSON/g; // JSON.parse shows a part of what it was given

/** `text` with … in place of each text of 4 characters or more in `values` (any nesting; bytes too, where they are text). */
function hide(text, values) {
  let out = text.replace(QUOTED, '… is not valid JSON');
  for (const secret of [...textsOf(values)].sort((a, b) => b.length - a.length)) {
    if (secret.length > out.length) continue;
    for (const form of [secret, JSON.stringify(secret).slice(1, -1), inspect(secret, { maxStringLength: null, breakLength: Infinity }).slice(1, -1),
      encodeURIComponent(sendable(secret))]) out = out.replaceAll(form, '…');
  }
  return out;
}

/** What was thrown says, in one line of at most 500 characters. */
function oneLine(error, values) {
  const text = hide(nameAndMessage(error), values).split(/\s+/).filter(Boolean).join(' ');
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`;
}

/** Its stack, and those of its causes. */
function trace(error, values) {
  const stacks = [];
  for (let one = error; one !== undefined && stacks.length < MOST_CAUSES; one = one instanceof Error ? one.cause : undefined) {
    stacks.push(one instanceof Error ? String(one.stack) : nameAndMessage(one));
  }
  return hide(stacks.join('\ncaused by: '), values).slice(0, LONGEST_TRACE);
}

function nameAndMessage(error) {
  if (!(error instanceof Error)) return `${error !== null && typeof error === 'object' ? error.constructor?.name ?? 'an object' : String(error)} was thrown`;
  const message = String(error.message);
  return message ? `${error.name}: ${message}` : String(error.name);
}

function textsOf(values) {
  const texts = new Set(), left = [values];
  for (let found = 0; left.length && found < MOST_TEXTS; ++found) {
    const one = left.pop();
    if (one instanceof Ref) left.push(one.url);
    else if (one instanceof Uint8Array) one.length <= LONGEST_BYTES && left.push(Buffer.from(one).toString());
    else if (typeof one === 'object' && one !== null) pushAll(left, Object.values(one));
    else if (typeof one === 'string' && one.length >= SHORTEST) {
      texts.add(one);
      if (one.includes('?')) left.push(one.slice(one.indexOf('?') + 1)); // of a URL: what signs it
    }
  }
  return texts;
}

function pushAll(left, values) {
  for (let i = 0; i < values.length && left.length < MOST_TEXTS; ++i) left.push(values[i]);
}

module.exports = { oneLine, trace };
