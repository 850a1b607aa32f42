'use strict';
// A worker as a process: the example, its signals, and every block of the README.
const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const readline = require('node:readline');
const { describe, test } = require('node:test');
const { Bench, SDK, TIMEOUT_MS } = require('./host_client');

const WAITING = `
const { once } = require('events');
const { Worker } = require('${SDK}');
new Worker().handler('k', async (task) => {
  task.progress(1);
  await (task.inputs.stubborn ? new Promise(() => setInterval(() => {}, 1e6)) : once(task.signal, 'abort'));
}).serve('127.0.0.1:0', { slots: 2, grace: Number(process.argv[1]) });`;

/** Starts a worker, and opens a stream to where it says that it listens. */
async function running(t, ...command) {
  const bench = new Bench(t), child = spawn(process.execPath, command, { stdio: ['ignore', 'inherit', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  for await (const line of readline.createInterface(child.stderr)) {
    const found = /listening on (\S+)/.exec(line);
    if (!found) continue;
    child.stderr.resume();
    const stream = bench.stream(undefined, bench.dial(undefined, found[1]));
    return { child, exited, stream: await stream.opened() };
  }
  throw new Error('it does not listen');
}

/** A server that keeps what is PUT, and gives it. */
async function store(t, files) {
  const server = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    if (request.method === 'PUT') files[request.url] = Buffer.concat(parts);
    response.writeHead(files[request.url] ? 200 : 404).end(request.method === 'GET' ? files[request.url] : undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  return `http://127.0.0.1:${server.address().port}`;
}

describe('a process', { concurrency: true }, () => {
  test('the example makes thumbnails and ends when told', async (t) => {
    const example = path.join(SDK, 'examples/thumbnail_worker.js'), task_kind = 'thumbnails/resize';
    assert.ok(fs.readFileSync(example, 'utf8').split('\n').length <= 30);
    const pixels = Array.from({ length: 24 }, (_, i) => [i % 6, Math.floor(i / 6), 0]);
    const files = { '/in.ppm': Buffer.concat([Buffer.from('P6\n6 4\n255\n'), Buffer.from(pixels.flat())]) }, url = await store(t, files);
    const { child, exited, stream } = await running(t, example, '127.0.0.1:0'), image = { name: 'image', ref: `${url}/in.ppm` };
    stream.assign({ task_kind, values: { every: 2 }, inputs: [image], upload_prefix: `${url}/out/` });
    const ended = await stream.completion();
    assert.deepEqual([ended.status, ended.result_ref, ended.error], ['SUCCESS', `${url}/out/small.ppm`, '']);
    const small = [0, 2].flatMap((y) => [0, 2, 4].flatMap((x) => [x, y, 0]));
    assert.deepEqual(files['/out/small.ppm'], Buffer.concat([Buffer.from('P6 3 2 255\n'), Buffer.from(small)]));
    stream.assign({ run_id: '2', task_kind, values: { every: 1 }, inputs: [image] });
    assert.equal((await stream.completion('a', '2')).status, 'SKIPPED');
    child.kill('SIGTERM');
    await stream.rest();
    assert.deepEqual(await exited, [0, null]);
  });

  test('SIGTERM drains', async (t) => {
    const { child, exited, stream } = await running(t, '-e', WAITING, '60');
    stream.assign();
    await stream.until('progress');
    child.kill('SIGTERM');
    await stream.until('capacity', (it) => it.available_slots === 0);
    assert.equal(child.exitCode, null);
    stream.cancel();
    assert.equal((await stream.completion()).status, 'ERROR');
    await stream.rest();
    assert.deepEqual(await exited, [0, null]);
  });

  test('what does not end in its time is cancelled', async (t) => {
    const { child, exited, stream } = await running(t, '-e', WAITING, '0.05');
    stream.assign();
    await stream.until('progress');
    child.kill('SIGTERM');
    assert.equal((await stream.completion()).error, 'cancelled');
    assert.deepEqual(await exited, [0, null]);
  });

  test('a handler that never ends does not keep the process', async (t) => {
    const { child, exited, stream } = await running(t, '-e', WAITING, '0');
    stream.assign({ values: { stubborn: true } });
    await stream.until('progress');
    child.kill('SIGINT');
    assert.equal((await stream.completion()).error, 'the worker has ended');
    assert.deepEqual(await exited, [0, null]);
  });

  test('a second signal ends it at once', async (t) => {
    const { child, exited, stream } = await running(t, '-e', WAITING, '600');
    stream.assign({ values: { stubborn: true } });
    await stream.until('progress');
    child.kill('SIGTERM');
    await stream.until('capacity', (it) => it.available_slots === 0);
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [143, null]);
  });

  test('every block of the README works', async (t) => {
    // Files are written, shells run in one shell, and a text is what the shell before it has written, to the letter.
    const folder = new Bench(t).folder(), mark = '--- next block ---', expected = [], probe = http.createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const port = String(probe.address().port);
    await new Promise((resolve) => { probe.close(resolve); });
    const sdk = path.join(folder, 'sdk'), script = ['set -e', `cd ${sdk}`];
    for (const part of ['lib', 'node_modules', 'package.json', 'package-lock.json', '.npmrc']) fs.cpSync(path.join(SDK, part), path.join(sdk, part), { recursive: true });
    for (const [, language, name, text] of fs.readFileSync(path.join(SDK, 'README.md'), 'utf8').matchAll(/^```(\w*) ?([^\n]*)\n(.*?)^```\n/gms)) {
      const content = text.replaceAll('7071', port);
      if (language === 'text') {
        expected[expected.length - 1] = content;
      } else if (language === 'bash') {
        script.push(`echo '${mark}'`, content);
        expected.push(null);
      } else {
        assert.ok(['js', 'yaml'].includes(language) && name, content);
        script.push(`cat >${name} <<'END OF FILE'\n${content}END OF FILE`);
      }
    }
    const env = { PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`, HOME: folder, npm_config_offline: 'true', npm_config_update_notifier: 'false' };
    const shell = spawn('bash', ['-c', script.join('\n')], { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const end = () => { try { process.kill(-shell.pid, 'SIGKILL'); } catch { /* all of it has ended */ } };
    const timer = setTimeout(end, TIMEOUT_MS), out = [], errors = [];
    t.after(end);
    shell.stdout.on('data', (data) => out.push(data));
    shell.stderr.on('data', (data) => errors.push(data));
    const [code] = await once(shell, 'close');
    clearTimeout(timer);
    const said = Buffer.concat(out).toString(), wrong = Buffer.concat(errors).toString();
    assert.equal(code, 0, said + wrong);
    const texts = said.split(`${mark}\n`).slice(1);
    assert.equal(texts.length, expected.length);
    expected.forEach((wanted, i) => wanted !== null && assert.equal(texts[i], wanted, `${texts[i]}${wrong}`));
    assert.ok(expected.filter(Boolean).length >= 4);
  });

  test('it can be imported', () => {
    const code = "import { Ref, SKIPPED, Worker } from 'heddle-worker'; console.log(typeof Worker, typeof Ref, typeof SKIPPED)";
    assert.equal(execFileSync(process.execPath, ['--input-type=module', '-e', code], { cwd: SDK, encoding: 'utf8', timeout: TIMEOUT_MS }), 'function function symbol\n');
  });

  test('what is packed has all that it needs', () => {
    const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--offline'], { cwd: SDK, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: TIMEOUT_MS }));
    const packed = files.map((file) => file.path).filter((file) => file.startsWith('lib/'));
    assert.deepEqual(packed.sort(), fs.readdirSync(path.join(SDK, 'lib')).map((file) => `lib/${file}`).sort());
  });
});
