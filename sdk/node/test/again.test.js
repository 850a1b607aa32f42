'use strict';
// Runs that are asked for again, after a broken stream or without one; streams and servers that take nothing new.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const { Bench, grpc, read } = require('./host_client');

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
