'use strict';
// What becomes of runs: progress, cancel, deadlines, runs that are asked for again, drain.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { describe, test } = require('node:test');
const { Cancelled } = require('..');
const { Bench, grpc, read } = require('./host_client');

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
  assert.ok(said.length >= 3 && said.length <= 12, `${said.length}`);
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
  stream.assign({ soft_deadline_unix: seconds(1) });
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

test('a run in hand goes on and answers on the newest stream', async (t) => {
  const bench = await new Bench(t).addWaiting().start({ slots: 4 });
  const old = await bench.opened(), fresh = await bench.opened();
  old.assign();
  await bench.begun();
  fresh.assign();
  await fresh.until('ack');
  bench.goOn();
  assert.deepEqual(read(await fresh.completion()), { run: '1' });
  assert.equal(bench.calls.length, 1);
  old.end();
  assert.ok((await old.rest()).every(([what]) => what !== 'completion'));
});

test('a run that has ended says the same again', async (t) => {
  const bench = new Bench(t), calls = [];
  bench.worker.handler('k', (task) => ({ n: calls.push(task.runId) }));
  await bench.start({ limits: { kept: 2 } });
  const stream = await bench.opened();
  const ask = async (activity_id, run_id) => {
    stream.assign({ activity_id, run_id });
    return read(await stream.completion(activity_id, run_id)).n;
  };
  assert.deepEqual([await ask('a', '1'), await ask('a', '1'), await ask('a', '1')], [1, 1, 1]);
  assert.equal(await ask('a', '2'), 2); // another run is another one
  assert.equal(await ask('b', '1'), 3);
  assert.equal(await ask('a', '1'), 4); // it is not kept any more
});

test('a broken stream ends no task', async (t) => {
  const bench = await new Bench(t).addWaiting().start();
  const broken = await bench.opened();
  broken.assign();
  await bench.begun();
  bench.calls[0].progress(40, 'so far', 'c');
  await broken.until('progress', (it) => it.percent === 40);
  broken.breakOff();
  const stream = await bench.opened();
  assert.equal(stream.heard.at(-1)[1].available_slots, 0);
  stream.assign();
  assert.deepEqual([(await stream.until('ack')).activity_id, (await stream.until('progress')).checkpoint_ref], ['a', 'c']);
  bench.goOn();
  assert.equal((await stream.completion()).status, 'SUCCESS');
  assert.equal(bench.calls.length, 1);
});

test('what ended while nobody listened is said when asked', async (t) => {
  const bench = await new Bench(t).addWaiting().start();
  const stream = await bench.opened(), watcher = await bench.opened();
  stream.assign();
  await bench.begun();
  stream.breakOff();
  bench.goOn();
  await watcher.until('capacity', (it) => it.available_slots === 1);
  watcher.assign();
  assert.equal((await watcher.completion()).status, 'SUCCESS');
  assert.equal(bench.calls.length, 1);
});

test('what nobody asks for again is cancelled', async (t) => {
  const bench = await new Bench(t).addWaiting().start({ limits: { reattach: 0.05 } });
  const stream = await bench.opened();
  stream.assign();
  await bench.begun();
  const gone = once(bench.calls[0].signal, 'abort');
  stream.breakOff();
  await gone;
  assert.match(bench.calls[0].signal.reason.message, /no stream has asked for it/);
  assert.match(bench.logged[0], /task "a", run "1": no stream has asked for it/);
});

test('garbage breaks the stream but not its tasks', async (t) => {
  const bench = await new Bench(t).addWaiting().start();
  const broken = await bench.opened();
  broken.assign();
  await bench.begun();
  broken.sayBytes([0xff]);
  await broken.refused(grpc.status.INVALID_ARGUMENT);
  const stream = await bench.opened();
  stream.assign();
  await stream.until('ack');
  bench.goOn();
  assert.equal((await stream.completion()).status, 'SUCCESS');
});

test('a drained stream ends what is in hand and takes nothing new', async (t) => {
  const bench = await new Bench(t).addWaiting().start({ slots: 2 });
  const stream = await bench.opened(), other = await bench.opened();
  stream.assign({ activity_id: 'a' });
  await bench.begun();
  stream.say({ drain: {} });
  stream.assign({ activity_id: 'b' });
  assert.equal((await stream.completion('b')).error, 'this stream is drained, and takes nothing new');
  bench.goOn();
  assert.equal((await stream.completion('a')).status, 'SUCCESS');
  assert.equal((await stream.until('capacity')).available_slots, 0);
  other.assign({ activity_id: 'c' }); // another host, or the next one
  assert.equal((await other.completion('c')).status, 'SUCCESS');
});

test('a server that drains waits and then says so', async (t) => {
  const bench = await new Bench(t).addWaiting().start({ slots: 2 });
  const stream = await bench.opened(), silent = bench.stream(null);
  stream.assign({ activity_id: 'a' });
  await bench.begun();
  const draining = bench.server.drain(20);
  await stream.until('capacity', (it) => it.available_slots === 0);
  stream.assign({ activity_id: 'b' });
  assert.match((await stream.completion('b')).error, /takes nothing new/);
  bench.goOn();
  const heard = await stream.rest();
  await silent.rest(); // nobody has said hello there
  assert.equal(await draining, true);
  assert.deepEqual(heard.filter(([what]) => what === 'completion').map(([, one]) => one.status), ['ERROR', 'SUCCESS']);
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
    stream.assign({ soft_deadline_unix: seconds(1) });
    const ended = await stream.completion();
    assert.deepEqual([ended.status, ended.error, ended.result_inline.length, reasons], ['ERROR', 'the deadline has passed', 0, ['the deadline has passed']]);
  });

  test('a handler that ignores its deadline is answered without it, and keeps its slot', async (t) => {
    const bench = await new Bench(t).addWaiting().start({ slots: 2 });
    const stream = await bench.opened();
    stream.assign({ soft_deadline_unix: seconds(1) });
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
