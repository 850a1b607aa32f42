'use strict';
// What becomes of hosts that do not read, of much at once, and of many times to wait for.
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Worker } = require('..');
const { MOST_QUEUED, Stream } = require('../lib/stream');
const { TaskTable } = require('../lib/task_table');
const { Timers, now } = require('../lib/timers');
const { Bench, Envelope, TIMEOUT_MS, read } = require('./host_client');

const turn = () => new Promise(setImmediate);
const envelope = (message) => Envelope.decode(Envelope.encode(message).finish());

test('to a call that is full nothing is written, and of its host nothing more is read', async (t) => {
  const table = new TaskTable(new Worker(), 1);
  t.after(() => table.close());
  const said = [], done = [];
  const call = { write: (one) => said.push(one) % 3 !== 0, pause: () => done.push('pause'), resume: () => done.push('resume'), end: () => done.push('end') };
  const stream = new Stream(table, call);
  stream.hear(envelope({ hello: {} }));
  await turn();
  assert.deepEqual(said.map((one) => Object.keys(one)[0]), ['hello_ack', 'capabilities', 'capacity']); // the third has filled it
  for (let i = 0; i < MOST_QUEUED; ++i) stream.hear(envelope({ assign: { run_id: `${i}` } })); // each is answered at once: it has no activity_id
  await turn();
  assert.deepEqual([said.length, done], [3, ['pause']]);
  for (let i = 0; said.length < 3 + MOST_QUEUED; ++i) {
    stream.written();
    assert.equal(said.length, Math.min(3 + MOST_QUEUED, 6 + 3 * i));
  }
  assert.deepEqual(done, ['pause', 'resume']);
  assert.deepEqual(said.slice(3).map((one) => one.completion.run_id), Array.from({ length: MOST_QUEUED }, (_, i) => `${i}`));
});

test('progress that cannot be said yet is said once, as it is then', async (t) => {
  const tasks = [], said = [];
  const table = new TaskTable(new Worker().handler('k', (task) => new Promise((resolve) => { tasks.push([task, resolve]); })), 1);
  t.after(() => table.close());
  let isFull = false, progress = null;
  const heard = (one) => {
    progress = one.progress ?? progress;
    return said.push(Object.keys(one)[0]);
  };
  const stream = new Stream(table, { write: (one) => heard(one) && !isFull, pause() {}, resume() {}, end() {} });
  stream.hear(envelope({ hello: {} }));
  await turn();
  isFull = true;
  stream.hear(envelope({ assign: { activity_id: 'a', run_id: '1', task_kind: 'k' } }));
  await turn();
  for (let i = 0; i <= 50; ++i) tasks[0][0].progress(i);
  await turn();
  assert.deepEqual(said.splice(0), ['hello_ack', 'capabilities', 'capacity', 'ack']); // which has filled it
  isFull = false;
  stream.written();
  assert.deepEqual([said, progress.percent], [['capacity', 'progress'], 50]);
  tasks[0][1](1);
});

test('a host that reads slowly gets every large result', async (t) => {
  const bench = new Bench(t);
  bench.worker.handler('k', (task) => Buffer.alloc(2 << 20, task.activityId));
  await bench.start({ slots: 16 });
  const stream = await bench.opened();
  stream.call.pause();
  for (let i = 0; i < 16; ++i) stream.assign({ activity_id: `${i}` });
  stream.call.resume();
  for (let i = 0; i < 16; ++i) {
    const { activity_id, result_inline } = await stream.until('completion');
    assert.ok(Buffer.from(result_inline).equals(Buffer.alloc(2 << 20, activity_id)));
  }
});

test('4,000 tasks over two streams are each answered once', async (t) => {
  const bench = new Bench(t);
  bench.worker.handler('k', (task) => task.inputs.n);
  await bench.start({ slots: 64 });
  const ask = async (name) => {
    const stream = await bench.opened(), answers = new Set();
    let sent = 0;
    const assign = () => stream.assign({ activity_id: `${name}${sent}`, values: { n: sent++ } });
    while (sent < 32) assign();
    while (answers.size < 2_000) {
      const one = await stream.until('completion');
      assert.equal(one.status, 'SUCCESS', one.error);
      assert.equal(one.activity_id, `${name}${read(one)}`);
      assert.ok(!answers.has(one.activity_id));
      answers.add(one.activity_id);
      if (sent < 2_000) assign();
    }
    assert.equal(stream.heard.filter(([what]) => what === 'ack').length, 2_000);
  };
  await Promise.all([ask('a'), ask('b')]);
});

test('times come in their order, and those that are removed do not', async (t) => {
  const timers = new Timers(), called = [], begun = now();
  const awake = setTimeout(() => {}, TIMEOUT_MS); // the timers themselves keep no process
  t.after(() => clearTimeout(awake));
  t.after(() => timers.close());
  await new Promise((resolve) => {
    const entries = Array.from({ length: 1_000 }, (_, i) => {
      const after = (i * 7_919) % 1_000;
      return timers.add(begun + after / 50, () => called.push(after));
    });
    entries.forEach((entry, i) => i % 3 === 0 && timers.remove(entry));
    timers.remove(entries[0]); // twice
    timers.add(begun + 25, resolve);
    timers.add(begun + 1e12, () => called.push('far'));
  });
  const expected = Array.from({ length: 1_000 }, (_, i) => [i, (i * 7_919) % 1_000]).filter(([i]) => i % 3).map(([, after]) => after).sort((a, b) => a - b);
  assert.deepEqual(called, expected);
});
