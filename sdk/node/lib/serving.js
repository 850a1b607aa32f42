'use strict';
// From the start of a process to its end: signals.
const { constants } = require('node:os');

const SIGNALS = ['SIGTERM', 'SIGINT'];
const LEFT_BEHIND_MS = 1_000; // for what handlers have left behind: then it does not keep the process any more

/** Starts the server, and drains it at the first SIGTERM or SIGINT, for at most `grace` seconds; a second one ends the process at once, with 128 and its number. */
async function serveUntilTold(start, grace, log) {
  let first, told = new Promise((resolve) => { first = resolve; });
  const listener = (name) => {
    if (!first) process.exit(128 + constants.signals[name]);
    first();
    first = null;
  };
  for (const name of SIGNALS) process.on(name, listener);
  try {
    const server = await start();
    log.info(`listening on ${server.endpoint}`);
    await told;
    log.info(`ending: what is in hand has ${grace} s`);
    if (!await server.drain(grace)) {
      log.warn('ended before everything was done');
      setTimeout(() => process.exit(), LEFT_BEHIND_MS).unref();
    }
  } finally {
    for (const name of SIGNALS) process.off(name, listener);
  }
}

module.exports = { serveUntilTold };
