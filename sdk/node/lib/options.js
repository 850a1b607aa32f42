'use strict';
const { suggestion } = require('./nearest');

/** The options as they are given, or none. Throws, where one of them has another name than these: it would mean nothing, and nobody would know. */
function known(given, names, what) {
  for (const name of Object.keys(given ?? {})) {
    if (!names.includes(name)) throw new TypeError(`${what} has no "${name}"${suggestion(name, names) || `; there are ${names.join(', ')}`}`);
  }
  return given ?? {};
}

module.exports = { known };
