'use strict';
// What a handler is given, and what becomes of what it gives back.
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { inspect } = require('node:util');
const { Cancelled, Ref, SKIPPED, Worker } = require('..');
const { Bench, read } = require('./host_client');

const SPEC = { task_kind: 'k', task_version: '1.0.0', inputs: [{ name: 'n', type: 'int' }, { name: 'at', type: 'string' }], outputs: [{ name: 'm', type: 'int' }] };

/** ask(handler, what is assigned, spec): the completion of one task of a handler that does this. */
async function asking(t) {
  const bench = await new Bench(t).start();
  const ask = async (handle, assigned = {}, spec = undefined) => {
    const worker = new Worker({ log: bench.worker.log });
    worker.handler('k', { spec }, handle);
    const server = await worker.start('127.0.0.1:0');
    try {
      const client = bench.dial(undefined, server.endpoint), stream = await bench.stream(undefined, client).opened();
      stream.assign(assigned);
      return await stream.completion();
    } finally {
      await server.close();
    }
  };
  return { ask, bench };
}

test('a handler sees the assignment', async (t) => {
  const { ask } = await asking(t), seen = [];
  const handle = (task) => { seen.push([task, { ...task.inputs }, task.signal.aborted]); };
  const inputs = [{ name: 'where', ref: 'https://host/x?sig=1' }, { name: 'data', inline_bytes: Buffer.from([0, 255]) }, { name: 'none' }, { name: 'checkpoint', ref: 's3://c' }];
  await ask(handle, { values: { json: { a: [1, 2.5, null] } }, inputs, task_version: '1.0', workflow_instance_id: 'w', upload_prefix: 'https://up/', soft_deadline_unix: 2 ** 33 });
  const [[task, given, isAborted]] = seen;
  assert.deepEqual(given, { json: { a: [1, 2.5, null] }, where: new Ref('https://host/x?sig=1'), data: Buffer.from([0, 255]), none: Buffer.alloc(0) });
  assert.equal(inspect(given.where), 'Ref(https://host/x?…)');
  assert.deepEqual([`${given.where}`, given.where.url, JSON.stringify(given.where)], ['https://host/x?sig=1', 'https://host/x?sig=1', '"https://host/x?sig=1"']);
  assert.deepEqual([task.activityId, task.runId, task.kind, task.version, task.workflowInstanceId], ['a', '1', 'k', '1.0', 'w']);
  assert.deepEqual([task.uploadPrefix, task.deadline, task.checkpoint.url, isAborted], ['https://up/', 2 ** 33, 's3://c', false]);
  task.check();
  task.progress(3); // too late, and nothing happens
  await ask(handle);
  assert.deepEqual([seen[1][0].deadline, seen[1][0].checkpoint, seen[1][1]], [null, null, {}]);
});

test('what it returns becomes the result', async (t) => {
  const { ask } = await asking(t);
  const large = { n: 10n ** 30n, list: [-(2n ** 64n)] };
  for (const [result, inline] of [[{ ä: [1, null], u: undefined }, '{"ä":[1,null]}'], [undefined, 'null'], [null, 'null'], [[], '[]'], [Buffer.from('x"'), 'x"'], [new Uint8Array([65]).buffer, 'A'],
    [new Uint16Array([0x4242]), 'BB'], [large, '{"n":1000000000000000000000000000000,"list":[-18446744073709551616]}'], [new Date(0), '"1970-01-01T00:00:00.000Z"'], ['\\ud800', '"\\\\ud800"']]) {
    const ended = await ask(() => result);
    assert.deepEqual([ended.status, Buffer.from(ended.result_inline).toString(), ended.result_ref], ['SUCCESS', inline, ''], ended.error);
  }
  const ref = await ask(async () => new Ref('s3://there'));
  assert.deepEqual([ref.status, ref.result_inline.length, ref.result_ref], ['SUCCESS', 0, 's3://there']);
  assert.equal((await ask(() => SKIPPED)).status, 'SKIPPED');
});

test('a result that is none fails, and it is said where', async (t) => {
  const { ask } = await asking(t), circle = [];
  circle.push(circle);
  for (const [result, why] of [[new Map(), /: a Map$/], [{ a: { 'b/c': [1, new Set()] } }, /: a Set at \/a\/b~1c\/1$/], [NaN, /: NaN$/], [circle, /circle/], ['\ud800', /half a character/],
    [() => 1, /: function$/], [[undefined], /: undefined at \/0$/], [{ a: Buffer.alloc(1) }, /: a Buffer at \/a$/], [{ toJSON() { throw new Error('no'); } }, /: Error$/], [new Ref(''), /ref must have/]]) {
    const ended = await ask(() => result);
    assert.deepEqual([ended.status, ended.result_inline.length], ['ERROR', 0]);
    assert.match(ended.error, why);
  }
  assert.match((await ask(() => Buffer.alloc(64 << 20))).error, /more than fit into a message/);
  assert.equal((await ask(() => Buffer.alloc(60 << 20))).result_inline.length, 60 << 20);
});

test('inputs that cannot be read fail without being shown', async (t) => {
  const { ask } = await asking(t);
  for (const [input, why] of [[{ name: 'n', inline_json: '{"secret' }, 'the input "n" is not JSON'], [{ name: 'n', inline_json: '{\n secret}' }, 'the input "n" is not JSON: line 2, column 2'],
    [{ name: 'n', inline_json: 'secret' }, 'the input "n" is not JSON'], [{ name: 'n', inline_json: 'NaN' }, 'is not JSON'], [{ name: 'n', inline_json: '['.repeat(100_000) }, 'is not JSON: it ends early'],
    [{ name: 'n', ref: 'secret', inline_json: '1' }, 'has ref and inline_json'], [{ name: '', ref: 'secret' }, 'input 1 needs a name'], [{ name: 'x'.repeat(2_000), ref: 'secret' }, 'needs a name of at most']]) {
    const ended = await ask(() => 1, { inputs: [input] });
    assert.equal(ended.status, 'ERROR');
    assert.ok(ended.error.includes(why) && !ended.error.includes('secret'), ended.error);
  }
  assert.match((await ask(() => 1, { inputs: [{ name: 'n' }, { name: 'n' }] })).error, /there twice/);
  assert.match((await ask(() => 1, { inputs: Array.from({ length: 1_001 }, (_, i) => ({ name: `${i}` })) })).error, /at most 1000/);
  assert.deepEqual(read(await ask((task) => Object.keys(task.inputs), { inputs: ['__proto__', 'constructor'].map((name) => ({ name })) })), ['__proto__', 'constructor']);
});

test('what it throws is the error, and shows nothing of the inputs', async (t) => {
  const { ask, bench } = await asking(t);
  const inputs = [{ name: 'where', ref: 'https://host/x?sig=abcd' }, { name: 'data', inline_bytes: Buffer.from('passw"rd') }];
  const ended = await ask(async ({ inputs: { token, where, data } }) => {
    throw new TypeError(`no ${token}\nat ${where}, nor ${JSON.stringify(String(data))}, nor ${encodeURIComponent(token)}, nor sig=abcd`, { cause: new Error(token) });
  }, { values: { token: "hunter2'\n" }, inputs });
  assert.deepEqual([ended.status, ended.error], ['ERROR', 'TypeError: no … at …, nor "…", nor …, nor …']);
  assert.match(bench.logged[0], /task "a", run "1" of k: TypeError: no …[^]* at [^]*caused by: Error: …/);
  for (const secret of ['hunter2', 'sig=', 'passw']) assert.ok(!bench.logged[0].includes(secret), bench.logged[0]);
  const parsed = await ask((task) => JSON.parse(task.inputs.text), { values: { text: '{"password": hunter2}' } });
  assert.match(parsed.error, /^SyntaxError: /);
  assert.ok(!/hunter|passw/.test(parsed.error + bench.logged.join()), parsed.error);
  for (const [thrown, error] of [[new Error(''), 'Error'], ['text', 'text was thrown'], [{ a: 1 }, 'Object was thrown'], [undefined, 'undefined was thrown'], [new Cancelled(), 'cancelled'],
    [Object.defineProperty(new RangeError(), 'message', { get() { throw new Error(); } }), 'RangeError'], [new Error('\ud800'), 'Error: ?']]) {
    assert.equal((await ask(() => { throw thrown; })).error, error);
  }
  assert.ok((await ask(() => { throw new Error('x'.repeat(5_000)); })).error.length < 600);
  assert.equal((await ask((task) => task.progress(1, '\ud800', '\ud800') ?? new Ref('\ud800'))).result_ref, '?');
});

test('names that are none are refused', async (t) => {
  const bench = new Bench(t);
  bench.worker.handler('k', () => 1);
  await bench.start();
  const stream = await bench.opened();
  for (const [activity_id, run_id] of [['', '1'], ['a', ''], ['a'.repeat(1_001), '1']]) {
    stream.assign({ activity_id, run_id });
    assert.match((await stream.completion(activity_id, run_id)).error, /needs an activity_id and a run_id/);
  }
});

test('the best handler is taken', async (t) => {
  const bench = new Bench(t);
  for (const version of ['1.0.0', '1.x', '^2.1']) bench.worker.handler('k', { version }, () => version);
  await bench.start({ slots: 4 });
  const stream = await bench.opened();
  const ask = async (activity_id, more) => {
    stream.assign({ activity_id, ...more });
    return stream.completion(activity_id);
  };
  for (const [asked, taken] of [['1.0.0', '1.0.0'], ['1.7.0', '1.x'], ['2.2', '^2.1'], ['', '^2.1']]) assert.equal(read(await ask(`v${asked}`, { task_version: asked })), taken);
  assert.equal((await ask('x', { task_version: '3.0.0' })).error, 'no handler of "k" for version 3.0.0; there are "1.0.0", "1.x", "^2.1"');
  assert.equal((await ask('y', { task_kind: 'q' })).error, 'no handler of "q"; there are "k"');
  assert.equal((await ask('z', { task_version: 'new' })).error, '"new" is not a version');
});

test('what fits the spec is done', async (t) => {
  const { ask } = await asking(t), at = { name: 'at', inline_json: '"here"' };
  const large = await ask((task) => ({ m: task.inputs.n + 1n }), { inputs: [{ name: 'n', inline_json: '1000000000000000000000000000000' }, at], task_version: '1.0.0' }, SPEC);
  assert.equal(Buffer.from(large.result_inline).toString(), '{"m":1000000000000000000000000000001}', large.error);
  const ref = { name: 'at', ref: 's3://here' }, checkpoint = { name: 'checkpoint', ref: 's3://c' };
  assert.equal((await ask(() => Buffer.from('{"m": 1}'), { values: { n: 1 }, inputs: [ref, checkpoint] }, SPEC)).status, 'SUCCESS');
  assert.equal((await ask(() => new Ref('s3://x'), { values: { n: 1, at: '' } }, SPEC)).status, 'SUCCESS');
});

test('inputs that do not fit call no handler', async (t) => {
  const { ask } = await asking(t), calls = [], handle = (task) => calls.push(task);
  const ended = await ask(handle, { values: { n: true, att: 'hunter2' } }, SPEC);
  assert.deepEqual([ended.status, ended.error, calls],
    ['ERROR', 'activity "k": /n: must be int, not the boolean true; /at: the input is missing; /att: there is no such input; did you mean "at"?', []]);
  assert.equal((await ask(handle, { values: { n: 1 }, inputs: [{ name: 'at', inline_bytes: Buffer.from('x') }] }, SPEC)).error, 'activity "k": /at: must be string, not 1 byte');
  const point = await ask(handle, { values: { at: '' }, inputs: [{ name: 'n', inline_json: '1.0' }] }, SPEC);
  assert.deepEqual([point.error, calls], ['activity "k": /n: must be int, not the number 1.0', []]);
  assert.match((await ask(handle, { values: { n: 1, at: '' }, task_version: '1.0.1' }, SPEC)).error, /there are "1\.0\.0"/);
});

test('outputs that do not fit fail', async (t) => {
  const { ask } = await asking(t);
  for (const [result, why] of [[{ m: '1' }, '/m: must be int, not a text of 1 character'], [undefined, '/m: the output is missing'], [[1], 'the outputs must be a map, not a list of 1'],
    [Buffer.from([0xff]), 'the outputs must be a map, not 1 byte'], [{ m: 1, o: 2 }, '/o: there is no such output'], [{ m: 1.5 }, '/m: must be int, not the number 1.5'],
    [Buffer.from('{"m":1.0}'), '/m: must be int, not the number 1.0'], [{ m: 1e21 }, '/m: must be int, not the number 1e+21']]) {
    const ended = await ask(() => result, { values: { n: 1, at: '' } }, SPEC);
    assert.deepEqual([ended.status, ended.result_inline.length], ['ERROR', 0]);
    assert.ok(ended.error.includes(why), ended.error);
  }
});
