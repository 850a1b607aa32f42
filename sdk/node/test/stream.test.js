'use strict';
// What is said on streams: greeting, slots, runs that are asked for again, garbage, addresses, TLS.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');
const { Bench, grpc, read } = require('./host_client');

test('the worker says what it is', async (t) => {
  const bench = new Bench(t);
  bench.worker.handler('b/two', () => 1).handler('a/one', () => 1);
  await bench.start({ slots: 3 });
  const stream = await bench.stream({ min: '0.9.0', max: '1.4.0' }).opened();
  assert.deepEqual(stream.heard.map(([what]) => what), ['hello_ack', 'capabilities', 'capacity']);
  const [ack, capabilities, capacity] = stream.heard.map(([, message]) => message);
  assert.deepEqual([ack.min, ack.max, capabilities.max_concurrency, capabilities.tags, capacity.available_slots], ['1.0.0', '1.0.0', 3, ['a/one', 'b/two'], 3]);
  assert.equal((await bench.stream({ min: '', max: '' }).opened()).heard[0][0], 'hello_ack');
});

test('versions that do not meet end the stream', async (t) => {
  const bench = await new Bench(t).start();
  const stream = bench.stream({ min: '2.0.0', max: '2.3.0' });
  assert.equal(await stream.refused(grpc.status.FAILED_PRECONDITION), 'the host speaks versions 2.0.0 to 2.3.0 of the protocol, the worker 1.0.0 to 1.0.0');
  assert.deepEqual(stream.heard.map(([what]) => what), ['hello_ack']);
  assert.match(await bench.stream({ min: 'one', max: '' }).refused(grpc.status.INVALID_ARGUMENT), /not a version/);
});

test('garbage ends the stream and no other', async (t) => {
  const bench = await new Bench(t).start();
  const good = await bench.opened();
  const refused = async (code, pattern, say, hello) => {
    const stream = bench.stream(hello);
    say(stream);
    assert.match(await stream.refused(code), pattern);
  };
  const { INVALID_ARGUMENT, FAILED_PRECONDITION, RESOURCE_EXHAUSTED } = grpc.status;
  await refused(INVALID_ARGUMENT, /not an Envelope/, (stream) => stream.sayBytes([0xff, 0xff, 0xff]));
  await refused(FAILED_PRECONDITION, /"assign" came before "hello"/, (stream) => stream.assign(), null);
  await refused(INVALID_ARGUMENT, /for the worker to say/, (stream) => stream.say({ ack: { activity_id: 'a' } }));
  await refused(INVALID_ARGUMENT, /said already/, (stream) => stream.say({ hello: {} }));
  await refused(RESOURCE_EXHAUSTED, /larger than max/, (stream) => stream.sayBytes(Buffer.alloc(65 << 20)));
  good.sayBytes([]); // an envelope of a version to come
  good.sayBytes([0xaa, 0x06, 0x00]); // and a message of one: 101
  good.assign({ task_kind: 'none' });
  assert.match((await good.completion()).error, /no handler of "none"/);
});

test('who does not say hello does not stay', async (t) => {
  const bench = await new Bench(t).start({ limits: { hello: 0.03 } });
  assert.match(await bench.stream(null).refused(grpc.status.DEADLINE_EXCEEDED), /nobody said "hello"/);
});

test('more streams than there may be are refused', async (t) => {
  const bench = await new Bench(t).start({ limits: { streams: 2 } });
  const first = await bench.opened();
  await bench.opened();
  assert.match(await bench.stream().refused(grpc.status.RESOURCE_EXHAUSTED), /2 streams are open/);
  first.end();
  await first.rest();
  await bench.opened();
});

test('200 tasks over 4 slots: never more at once, and the capacity is true', async (t) => {
  const bench = new Bench(t);
  let most = 0, now = 0;
  bench.worker.handler('k', async (task) => {
    most = Math.max(most, ++now);
    await new Promise(setImmediate);
    --now;
    return { n: task.inputs.n * 2 };
  });
  await bench.start({ slots: 4 });
  const stream = await bench.opened(), inHand = new Set(), results = new Map();
  let credit = 4, sent = 0;
  while (results.size < 200 || stream.heard.at(-1)[0] !== 'capacity') {
    for (; credit && sent < 200; --credit) stream.assign({ activity_id: `a${sent}`, values: { n: sent++ } });
    const [what, message] = await stream.next();
    if (what === 'ack') {
      inHand.add(message.activity_id);
    } else if (what === 'completion') {
      assert.ok(inHand.delete(message.activity_id) && !results.has(message.activity_id));
      results.set(message.activity_id, read(message).n);
    } else {
      assert.deepEqual([what, message.available_slots], ['capacity', 4 - inHand.size]);
      credit = message.available_slots - (sent - inHand.size - results.size); // what is on the way counts, too
    }
  }
  for (let n = 0; n < 200; ++n) assert.equal(results.get(`a${n}`), 2 * n);
  assert.ok(most <= 4 && most > 1, `${most}`);
  assert.equal(stream.heard.at(-1)[1].available_slots, 4);
});

test('the capacity is true on every stream', async (t) => {
  const bench = await new Bench(t).addWaiting().start({ slots: 2 });
  const one = await bench.opened(), other = await bench.opened();
  one.assign({ activity_id: 'a' });
  assert.equal((await other.until('capacity')).available_slots, 1);
  other.assign({ activity_id: 'b' });
  await one.until('capacity', (it) => it.available_slots === 0);
  bench.goOn();
  for (const [stream, name] of [[one, 'a'], [other, 'b']]) {
    assert.equal((await stream.completion(name)).status, 'SUCCESS');
    await stream.until('capacity', (it) => it.available_slots === 2);
  }
});

test('more than there are slots is refused at once', async (t) => {
  const bench = await new Bench(t).addWaiting().start();
  const stream = await bench.opened();
  stream.assign({ activity_id: 'a' });
  stream.assign({ activity_id: 'b' });
  const refused = await stream.completion('b');
  assert.deepEqual([refused.status, refused.error], ['ERROR', 'no slot is free: all 1 are taken']);
  bench.goOn();
  assert.equal((await stream.completion('a')).status, 'SUCCESS');
  assert.equal(bench.calls.length, 1);
});

test('TLS and mutual TLS', async (t) => {
  const bench = new Bench(t), folder = bench.folder();
  const server = bench.certificate(folder, 'server'), client = bench.certificate(folder, 'client');
  await bench.start({ tls: { ...server, clientCa: client.certificate } });
  const [ca, key, chain] = [server.certificate, client.key, client.certificate].map((file) => fs.readFileSync(file));
  const known = bench.stream(undefined, bench.dial(grpc.credentials.createSsl(ca, key, chain)));
  assert.equal((await known.opened()).heard[0][0], 'hello_ack');
  for (const credentials of [undefined, grpc.credentials.createSsl(ca)]) {
    await bench.stream(undefined, bench.dial(credentials)).refused(grpc.status.UNAVAILABLE);
  }
  const silent = net.connect(bench.server.endpoint.split(':')[1], '127.0.0.1'); // who does not shake hands holds up nobody
  await once(silent, 'connect');
  const gone = once(silent.on('error', () => {}), 'close');
  await bench.server.close();
  await gone;
  await assert.rejects(bench.worker.start('127.0.0.1:0', { tls: { ...server, key: path.join(folder, 'none') } }), { code: 'ENOENT' });
  await assert.rejects(bench.worker.start('127.0.0.1:0', { tls: { ...server, key: server.certificate } }), /the certificate and its key are none/);
  await assert.rejects(bench.worker.start('127.0.0.1:0', { tls: { ...server, ca: 'x' } }), /tls has no "ca"/);
});

test('an address that cannot be had is refused', async (t) => {
  const bench = await new Bench(t).start();
  await assert.rejects(bench.worker.start('0.0.0.0:0'), /not a loopback address/);
  await (await bench.worker.start('0.0.0.0:0', { insecure: true })).close();
  for (const wrong of ['7070', 'here:', '1.2.3.4:99999', ':1']) await assert.rejects(bench.worker.start(wrong), /is not an address/);
  await assert.rejects(bench.worker.start(bench.server.endpoint), /cannot listen on/); // taken
  await assert.rejects(bench.worker.start('127.0.0.1:0', { slots: 0 }), /slots must be/);
  await assert.rejects(bench.worker.start('127.0.0.1:0', { limits: { stream: 1 } }), /limits has no "stream"; did you mean "streams"\?/);
  await assert.rejects(bench.worker.start('127.0.0.1:0', { limits: { kept: -1 } }), /must be a number above 0/);
  await assert.rejects(bench.worker.start('127.0.0.1:0', { slot: 4 }), /a server has no "slot"; did you mean "slots"\?/);
  await assert.rejects(bench.worker.startRest('127.0.0.1:0', { sltos: 4 }), /did you mean "slots"\?/);
});
