// As `workers.py whole`, in JavaScript: worker.js PORT JOURNAL. HEDDLE_JAVASCRIPT is where the library is installed.
const fs = require('node:fs');
const { Worker } = require(process.env.HEDDLE_JAVASCRIPT);

const [port, journal] = process.argv.slice(2);
const file = fs.openSync(journal, 'a', 0o600);
const note = (what, task) => fs.writeSync(file, JSON.stringify([what, task.activityId, task.runId, process.pid, Number(process.hrtime.bigint()) / 1e9]) + '\n');

const worker = new Worker({ version: '1.0.0' });
const noted = (kind, does) => worker.handler(kind, {}, async (task) => {
  note('begin', task);
  try {
    return await does(task);
  } finally {
    note('end', task);
  }
});
noted('echo', (task) => task.inputs.item);
noted('some', async (task) => {
  await new Promise((go) => setTimeout(go, Math.random() * 200));
  return { n: task.inputs.item };
});

worker.start(`127.0.0.1:${port}`, { slots: 4 }).then((server) => console.log(server.endpoint));
