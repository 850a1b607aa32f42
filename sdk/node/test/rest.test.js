'use strict';
// The worker over REST: every answer that there is.
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const { test } = require('node:test');
const { Ref, SKIPPED } = require('..');
const { SDK, TIMEOUT_MS } = require('./host_client');
const { RestBench } = require('./rest_client');

const SPEC = { task_kind: 'k', task_version: '1.0.0', inputs: [{ name: 'n', type: 'int' }] };
const base64 = (text) => Buffer.from(text).toString('base64');
const result = ({ result_inline }) => JSON.parse(Buffer.from(result_inline, 'base64'));

test('a task is done', async (t) => {
  const bench = new RestBench(t), gate = {};
  const open = new Promise((resolve) => { gate.open = resolve; });
  bench.worker.handler('k', async (task) => {
    task.progress(30, 'so far', 'c');
    await open;
    return { got: String(task.inputs.data), n: task.inputs.n };
  });
  await bench.start();
  const inputs = [{ name: 'data', inline_bytes: base64('bytes') }, { name: 'n', inline_json: '[1]' }];
  assert.deepEqual(await bench.assign('a/b/ä', { inputs }), [202, { activity_id: 'a/b/ä', run_id: '1' }]);
  const begun = await bench.status('a/b/ä');
  assert.deepEqual([begun.status, begun.progress, begun.message, begun.checkpoint_ref], ['running', 30, 'so far', 'c']);
  gate.open();
  const ended = await bench.ended('a/b/ä');
  assert.deepEqual([ended.status, ended.error, result(ended)], ['completed', '', { got: 'bytes', n: [1] }]);
});

test('how tasks end', async (t) => {
  const bench = new RestBench(t);
  bench.worker.handler('fail', () => { throw new RangeError('no'); }).handler('ref', () => new Ref('s3://x')).handler('skip', () => SKIPPED);
  await bench.start({ slots: 3 });
  const ends = {};
  for (const kind of ['fail', 'ref', 'skip']) {
    assert.equal((await bench.assign(kind, { task_kind: kind }))[0], 202);
    ends[kind] = await bench.ended(kind);
  }
  assert.deepEqual([ends.fail.status, ends.fail.error], ['failed', 'RangeError: no']);
  assert.deepEqual([ends.ref.status, ends.ref.result_ref], ['completed', 's3://x']);
  assert.deepEqual([ends.skip.status, ends.skip.skipped, ends.ref.skipped], ['completed', true, undefined]);
});

test('what is there already is a conflict', async (t) => {
  const bench = await new RestBench(t).addWaiting().start({ slots: 2 });
  assert.equal((await bench.assign())[0], 202);
  assert.equal((await bench.assign())[0], 409);
  assert.equal((await bench.assign('a', { run_id: '2' }))[0], 409); // while an earlier run is in hand
  bench.goOn();
  assert.equal((await bench.ended()).status, 'completed');
  assert.equal((await bench.assign())[0], 409);
  assert.equal((await bench.assign('a', { run_id: '2' }))[0], 202);
  assert.deepEqual(result(await bench.ended()), { run: '2' });
});

test('what is not understood is 400', async (t) => {
  const bench = new RestBench(t);
  bench.worker.handler('k', () => 1);
  await bench.start();
  const task = { run_id: '1', task_kind: 'k' };
  for (const body of [...['{', 'NaN', '[]', '['.repeat(100_000), ''].map((text) => Buffer.from(text)), Buffer.from([0x22, 0xff, 0x22]), {}, { run_id: '1', task_kind: 5 }, { ...task, activity_id: 'other' },
    { ...task, run_id: 'x'.repeat(2_000) }, { ...task, inputs: [5] }, { ...task, inputs: [{ name: 'n', inline_bytes: '*' }] }, { ...task, inputs: [{ name: 'n', inline_json: '{' }] },
    { ...task, soft_deadline_unix: 2 ** 70 }, { ...task, soft_deadline_unix: 1.5 }, { ...task, task_version: 'new' }]) {
    const [code, answer] = await bench.ask('POST', '/tasks/a/assign', body);
    assert.deepEqual([code, Object.keys(answer)], [400, ['error']], JSON.stringify(body).slice(0, 100));
  }
  assert.equal((await bench.assign('x'.repeat(1_001)))[0], 400);
  assert.equal((await bench.ask('GET', '/tasks/%ff/status'))[0], 400);
  assert.equal((await bench.ask('GET', '/tasks/a/status'))[0], 404);
});

test('what does not fit is 422', async (t) => {
  const bench = new RestBench(t), calls = [];
  bench.worker.handler('k', { spec: SPEC }, (task) => calls.push(task.inputs.n));
  await bench.start();
  const refused = await bench.assign('a', { inputs: [{ name: 'n', inline_json: '"x"' }] });
  assert.deepEqual(refused, [422, { error: 'activity "k": /n: must be int, not a text of 1 character' }]);
  assert.equal((await bench.assign('a', { task_kind: 'other' }))[0], 422);
  assert.deepEqual(calls, []);
  assert.equal((await bench.assign('a', { inputs: [{ name: 'n', inline_json: '1' }] }))[0], 202);
});

test('the rest of the answers', async (t) => {
  const bench = await new RestBench(t).addWaiting().start();
  assert.equal((await bench.assign('a'))[0], 202);
  assert.deepEqual(await bench.assign('b'), [503, { error: 'no slot is free: all 1 are taken' }]);
  assert.deepEqual(await bench.ask('GET', '/health'), [200, { status: 'ok', version: '1.2.3', slots: 1, available_slots: 0, tags: ['k'] }]);
  for (const [method, path, code] of [['GET', '/tasks/none/status', 404], ['POST', '/tasks/none/cancel', 404], ['GET', '/', 404], ['POST', '/health', 405], ['GET', '/tasks/a/assign', 405],
    ['POST', '/tasks/a/status', 405], ['PUT', '/tasks/a/cancel', 405]]) assert.equal((await bench.ask(method, path))[0], code, path);
  const draining = bench.server.drain(20);
  assert.equal((await bench.ask('GET', '/health'))[1].status, 'draining');
  assert.deepEqual(await bench.assign('b'), [503, { error: 'the worker is ending, and takes nothing new' }]);
  bench.goOn();
  assert.equal(await draining, true);
});

test('what was refused for want of a slot may come again', async (t) => {
  const bench = await new RestBench(t).addWaiting().start();
  await bench.assign('a');
  assert.equal((await bench.assign('b'))[0], 503);
  bench.goOn();
  await bench.ended('a');
  assert.equal((await bench.assign('b'))[0], 202);
});

test('a body has its limits', async (t) => {
  const bench = await new RestBench(t).start();
  const ask = async (headers) => (await bench.ask('POST', '/tasks/a/assign', undefined, { headers }))[0];
  assert.equal(await ask({ 'content-length': String((64 << 20) + 1) }), 413);
  assert.equal(await ask({ 'transfer-encoding': 'chunked' }), 411);
});

test('a cancel reaches the handler with its reason', async (t) => {
  const bench = new RestBench(t), reasons = [];
  bench.worker.handler('k', async (task) => {
    await once(task.signal, 'abort');
    reasons.push(task.signal.reason.message);
    task.check();
  });
  await bench.start();
  await bench.assign();
  assert.equal((await bench.ask('POST', '/tasks/a/cancel', { reason: 'because' }))[0], 202);
  const state = await bench.ended();
  assert.deepEqual([state.status, state.error, reasons], ['failed', 'cancelled', ['because']]);
  assert.deepEqual((await bench.ask('POST', '/tasks/a/cancel')), [200, state]);
});

test('completions are posted, again where the host has not taken them', async (t) => {
  const bench = new RestBench(t), heard = [];
  const host = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    heard.push([request.url, JSON.parse(Buffer.concat(parts))]);
    response.writeHead(heard.length === 1 ? 503 : 204).end();
    host.emit('heard');
  });
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  t.after(() => host.close());
  bench.worker.handler('k', () => 7);
  await bench.start({ callback: `http://127.0.0.1:${host.address().port}/at/` });
  await bench.assign('a b');
  while (heard.length < 2) await once(host, 'heard');
  const said = ['/at/tasks/a%20b/complete', { activity_id: 'a b', run_id: '1', status: 'SUCCESS', result_ref: '', result_inline: 'Nw==', error: '' }];
  assert.deepEqual(heard, [said, said]);
  await bench.server.close();
  await assert.rejects(bench.worker.startRest('127.0.0.1:0', { callback: 'file:///etc/passwd' }), /a callback is a URL/);
});

test('TLS', async (t) => {
  const bench = new RestBench(t), folder = bench.folder(), tls = bench.certificate(folder, 'server'), client = bench.certificate(folder, 'client');
  await bench.start({ tls: { ...tls, clientCa: client.certificate } });
  const [host, port] = bench.server.endpoint.split(':'), silent = net.connect(port, host); // who does not shake hands holds up nobody
  const gone = once(silent.on('error', () => {}), 'close');
  const known = { ca: fs.readFileSync(tls.certificate), cert: fs.readFileSync(client.certificate), key: fs.readFileSync(client.key), agent: false };
  assert.equal((await bench.ask('GET', '/health', undefined, { tls: known }))[0], 200);
  await assert.rejects(bench.ask('GET', '/health', undefined, { tls: { ca: known.ca, agent: false } }));
  await assert.rejects(bench.worker.startRest('127.0.0.1:0', { tls: { ...tls, key: tls.certificate } }));
  await bench.server.close();
  await gone;
});

test('connections are bounded', async (t) => {
  const bench = await new RestBench(t).start({ limits: { streams: 1 } });
  assert.equal((await bench.ask('GET', '/health'))[0], 200); // and it stays open
  await assert.rejects(bench.ask('GET', '/health', undefined, { agent: false }));
});

test('an address that cannot be had is refused', async (t) => {
  const bench = await new RestBench(t).start();
  await assert.rejects(bench.worker.startRest(bench.server.endpoint), { code: 'EADDRINUSE' });
  await assert.rejects(bench.worker.startRest('0.0.0.0:0'), /not a loopback address/);
  await assert.rejects(bench.worker.startRest('127.0.0.1:0', { slots: 1.5 }), /slots must be/);
});

test('it needs no package', () => {
  const code = `const load = require('module')._load;
    require('module')._load = (name, ...more) => { if (!/^(node:|[./])/.test(name) && !require('module').builtinModules.includes(name)) throw new Error(name); return load(name, ...more); };
    const { Worker } = require('${SDK}');
    new Worker().startRest('127.0.0.1:0').then((server) => server.close()).then(() => console.log('closed'));`;
  assert.equal(execFileSync(process.execPath, ['-e', code], { encoding: 'utf8', timeout: TIMEOUT_MS }), 'closed\n');
});
