'use strict';
// The YAML of an activity spec, read as the host reads it: a number stays the text that was written (1.10 is not 1.1), only true and false are booleans.
const { closeSync, openSync, readSync } = require('node:fs');

const MOST_BYTES = 1 << 20, MOST_ALIASES = 1_000;
const NULL = /^(?:~|null|Null|NULL|)$/, BOOL = /^(?:true|True|TRUE|false|False|FALSE)$/;
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const ALIAS = /(?<=^|[\s,[:{-])\*[^\s,[\]{}]/g; // or what looks like one

/** A number of the YAML, as written. */
class NumberText {
  constructor(text) {
    this.text = text;
  }
}

/** The document in the file. Throws: what is wrong with it, and where; or the system's error, where it cannot be read. */
function parseSpecFile(path) {
  const yaml = require('js-yaml');
  const data = readAtMost(path, MOST_BYTES + 1);
  if (data.length > MOST_BYTES) throw new TypeError(`more than ${MOST_BYTES} bytes`);
  const text = data.toString('utf8');
  if (Buffer.compare(Buffer.from(text), data)) throw new TypeError('it is not UTF-8');
  if ((text.match(ALIAS) ?? []).length > MOST_ALIASES) throw new TypeError(`more than ${MOST_ALIASES} aliases`);
  try {
    return yaml.load(text, { schema: schemaOf(yaml) });
  } catch (wrong) {
    if (wrong instanceof yaml.YAMLException) throw new TypeError(said(wrong));
    if (wrong instanceof RangeError) throw new TypeError('nested too deep');
    throw wrong;
  }
}

function said({ reason, mark }) {
  return mark ? `line ${mark.line + 1}, column ${mark.column + 1}: ${reason}` : String(reason);
}

function readAtMost(path, most) {
  const file = openSync(path, 'r');
  try {
    const data = Buffer.alloc(most);
    let length = 0;
    for (let read = 1; read && length < most; length += read) read = readSync(file, data, length, most - length, null);
    return data.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

function schemaOf(yaml) {
  const scalar = (tag, pattern, construct) => new yaml.Type(`tag:yaml.org,2002:${tag}`, {
    kind: 'scalar', resolve: (text) => pattern.test(text ?? ''), construct,
  });
  const types = [
    scalar('null', NULL, () => null), scalar('bool', BOOL, (text) => text.toLowerCase() === 'true'), scalar('float', NUMBER, (text) => new NumberText(text)),
  ];
  return yaml.FAILSAFE_SCHEMA.extend({ implicit: types });
}

module.exports = { NumberText, parseSpecFile };
