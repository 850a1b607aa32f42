'use strict';

/** @typedef {{ info(line: string): void, warn(line: string): void, error(line: string): void }} Log `console` is one */

const write = (level, line) => process.stderr.write(`${new Date().toISOString()} ${level} ${line}\n`);

/** @type {Log} */
const STDERR = { info: (line) => write('INFO', line), warn: (line) => write('WARNING', line), error: (line) => write('ERROR', line) };

module.exports = { STDERR };
