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

/** The connections of servers, also those on which nothing was said: such a one would keep the process. */
class Sockets {
  #open = new Set();

  watch(server) {
    server.on('connection', (socket) => {
      this.#open.add(socket);
      socket.once('close', () => this.#open.delete(socket));
    });
  }

  destroy() {
    for (const socket of this.#open) socket.destroy();
  }
}

module.exports = { Sockets, drained };
