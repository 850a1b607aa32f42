'use strict';
const CANCELLED_S = 1; // for handlers to notice that they are cancelled, at the end

/** Takes nothing new, waits for what is in hand at most `grace` seconds, and cancels the rest. Whether everything came to its end in time. */
async function drained(table, grace) {
  table.drain();
  const isDone = await table.untilIdle(grace);
  if (!isDone) {
    table.cancelAll('the worker is ending');
    await table.untilIdle(CANCELLED_S);
  }
  return isDone;
}

module.exports = { drained };
