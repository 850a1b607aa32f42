'use strict';
const { hasFractions, parseExactly, parseJson } = require('./json');
const { Ref } = require('./ref');

const MOST_INPUTS = 1_000, MOST_NAME = 1_000;

/** name → value, without a prototype. Throws: which one cannot be understood; never what is in it. */
function readInputs(descriptors) {
  const inputs = Object.create(null);
  if (descriptors.length > MOST_INPUTS) throw new TypeError(`${descriptors.length} inputs, at most ${MOST_INPUTS} are taken`);
  for (let i = 0; i < descriptors.length; ++i) {
    const { name } = descriptors[i];
    if (!name || name.length > MOST_NAME) throw new TypeError(`input ${i + 1} needs a name of at most ${MOST_NAME} characters`);
    if (name in inputs) throw new TypeError(`the input "${name}" is there twice`);
    inputs[name] = valueOf(descriptors[i], parseJson);
  }
  return inputs;
}

/** The same inputs as a spec is to judge them: 1.0 is not 1 there. */
function exactInputs(inputs, descriptors) {
  const exact = { ...inputs };
  for (const one of descriptors) if (one.name in inputs && hasFractions(one.inline_json)) exact[one.name] = valueOf(one, parseExactly);
  return exact;
}

function valueOf(one, parse) {
  const given = [one.ref && 'ref', one.inline_json && 'inline_json', one.inline_bytes?.length && 'inline_bytes'].filter(Boolean);
  if (given.length > 1) throw new TypeError(`the input "${one.name}" has ${given.join(' and ')}, and may have only one of them`);
  if (one.ref) return new Ref(one.ref);
  if (!one.inline_json) return Buffer.isBuffer(one.inline_bytes) ? one.inline_bytes : Buffer.from(one.inline_bytes ?? []);
  try {
    return parse(one.inline_json);
  } catch (wrong) {
    throw new TypeError(`the input "${one.name}" ${wrong.message}`);
  }
}

module.exports = { MOST_NAME, exactInputs, readInputs };
