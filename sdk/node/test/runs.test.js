'use strict';
// What becomes of a run: progress, cancel, deadlines, the end of the host and of the server.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { describe, test } = require('node:test');
const { Cancelled } = require('..');
const { Bench, read } = require('./host_client');

const seconds = (after) => Math.floor(Date.now() / 1_000) + after;

test('progress is never faster than 20 a second, and the last one counts', async (t) => {
  const bench = new Bench(t);
  bench.worker.handler('k', async (task) => {
    for (const until = Date.now() + 500; Date.now() < until; await new Promise(setImmediate)) task.progress(50, 'half', 's3://early');
    task.progress(170, 'x'.repeat(5_000), 's3://late');
  });
  await bench.start();
  const stream = await bench.opened();
  stream.assign();
  await stream.completion();
  const said = stream.heard.filter(([what]) => what === 'progress').map(([, message]) => message);
  assert.equal(stream.heard.at(-2)[0], 'progress');
  assert.deepEqual([said.at(-1).percent, said.at(-1).message.length, said.at(-1).checkpoint_ref], [100, 1_000, 's3://late']);
  assert.deepEqual([said[0].percent, said[0].message, said[0].checkpoint_ref], [50, 'half', 's3://early']);
  assert.ok(said.length >= 2 && said.length <= 12, `${said.length}`);
});

test('a checkpoint stands until another is told', async (t) => {
  const bench = await new Bench(t).addWaiting().start();
  const stream = await bench.opened();
  stream.assign();
  await bench.begun();
  const [task] = bench.calls;
  for (const [said, heard] of [['c1', 'c1'], [null, 'c1'], ['c2', 'c2'], ['', '']]) {
    task.progress(1, '', said);
    assert.equal((await stream.until('progress')).checkpoint_ref, heard);
  }
  assert.throws(() => task.progress(1, '', 5), /a checkpoint is a text/);
  task.progress(NaN);
  assert.equal((await stream.until('progress')).percent, 0);
});

test('a cancel reaches the handler with its reason, and is obeyed', async (t) => {
  const bench = new Bench(t), begun = [], reasons = [];
  bench.worker.handler('k', async (task) => {
    task.check();
    begun.push(task.progress(1));
    await once(task.signal, 'abort');
    reasons.push(task.signal.reason);
    assert.throws(() => task.check(), Cancelled);
    throw task.signal.reason;
  });
  await bench.start();
  const stream = await bench.opened();
  stream.assign();
  await stream.until('progress');
  stream.cancel('a', 'the price has changed');
  const ended = await stream.completion();
  assert.deepEqual([ended.status, ended.error, ended.result_inline.length], ['ERROR', 'cancelled', 0]);
  assert.ok(reasons[0] instanceof Cancelled);
  assert.equal(reasons[0].message, 'the price has changed');
  assert.deepEqual(bench.logged, []);
});

test('who ignores a cancel goes on and has failed', async (t) => {
  const bench = await new Bench(t).addWaiting().start({ slots: 2 });
  const stream = await bench.opened();
  stream.assign({ activity_id: 'a' });
  stream.assign({ activity_id: 'b' });
  await bench.begun(2);
  stream.cancel('a');
  stream.cancel('nobody');
  const given = bench.calls.find((task) => task.activityId === 'a').signal;
  if (!given.aborted) await once(given, 'abort');
  bench.goOn();
  const both = { a: await stream.until('completion'), b: await stream.until('completion') };
  assert.deepEqual([both.a.status, both.a.error, both.b.status], ['ERROR', 'cancelled', 'SUCCESS']);
});

test('a handler that computes past its deadline has failed, and one that has passed before calls no handler', async (t) => {
  const bench = new Bench(t), calls = [];
  bench.worker.handler('k', (task) => {
    calls.push(task.runId);
    while (Date.now() < task.deadline * 1_000);
    return 'too late';
  });
  await bench.start();
  const stream = await bench.opened();
  stream.assign({ soft_deadline_unix: seconds(2) });
  assert.equal((await stream.completion()).error, 'the deadline has passed');
  stream.assign({ run_id: '2', soft_deadline_unix: 99 });
  assert.equal((await stream.completion('a', '2')).error, 'the deadline has passed');
  assert.deepEqual(calls, ['1']);
});

test('a deadline that is far away gives nothing up', async (t) => {
  const bench = new Bench(t);
  bench.worker.handler('k', (task) => task.deadline);
  await bench.start();
  const stream = await bench.opened();
  stream.assign({ soft_deadline_unix: 2 ** 40 });
  assert.equal(read(await stream.completion()), 2 ** 40);
});

describe('what takes its time', { concurrency: true }, () => {
  test('a silent task gives signs of life', async (t) => {
    const bench = await new Bench(t).addWaiting().start();
    const stream = await bench.opened();
    stream.assign({ heartbeat_interval_s: 1 });
    for (let i = 0; i < 2; ++i) assert.equal((await stream.until('progress')).percent, 0);
    bench.goOn();
    assert.equal((await stream.completion()).status, 'SUCCESS');
  });

  test('a deadline that passes gives the task up', async (t) => {
    const bench = new Bench(t), reasons = [];
    bench.worker.handler('k', async (task) => {
      assert.ok(task.deadline > 0);
      await once(task.signal, 'abort');
      reasons.push(task.signal.reason.message);
      return 'too late';
    });
    await bench.start();
    const stream = await bench.opened();
    stream.assign({ soft_deadline_unix: seconds(2) });
    const ended = await stream.completion();
    assert.deepEqual([ended.status, ended.error, ended.result_inline.length, reasons], ['ERROR', 'the deadline has passed', 0, ['the deadline has passed']]);
  });

  test('a handler that ignores its deadline is answered without it, and keeps its slot', async (t) => {
    const bench = await new Bench(t).addWaiting().start({ slots: 2 });
    const stream = await bench.opened();
    stream.assign({ soft_deadline_unix: seconds(2) });
    assert.equal((await stream.completion()).error, 'the deadline has passed');
    assert.equal((await stream.until('capacity')).available_slots, 1);
    bench.goOn();
    assert.equal((await stream.until('capacity')).available_slots, 2);
    assert.equal(stream.heard.filter(([what]) => what === 'completion').length, 1);
  });

  test('a host that says no more still hears its answers', async (t) => {
    const bench = await new Bench(t).addWaiting().start();
    const stream = await bench.opened();
    stream.assign({ heartbeat_interval_s: 1 });
    stream.end();
    for (let i = 0; i < 2; ++i) await stream.until('progress'); // a sign of life, a second after it said no more: by now it was heard that it does
    bench.goOn();
    assert.equal((await stream.rest()).filter(([what]) => what === 'completion').length, 1);
  });

  test('what does not end in time is given up', async (t) => {
    const bench = await new Bench(t).addWaiting().start();
    const stream = await bench.opened();
    stream.assign();
    await bench.begun();
    assert.equal(await bench.server.drain(0.05), false);
    const heard = await stream.rest();
    assert.deepEqual(heard.filter(([what]) => what === 'completion').map(([, one]) => one.error), ['the worker has ended']);
    assert.equal(bench.calls[0].signal.reason.message, 'the worker is ending');
  });
});
