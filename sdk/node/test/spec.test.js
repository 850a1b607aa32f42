'use strict';
// Specs are read, and values judged, as the host does it: the cases are those of host/manifest/activity_spec_test.cc.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { DoesNotFit, SpecError, Worker, checkInputs, checkOutputs, readSpec } = require('..');
const { readActivityType } = require('../lib/activity_type');
const { parseJson } = require('../lib/json');
const { compareVersions, parseVersion } = require('../lib/version');
const { VersionRange, bestOf } = require('../lib/version_range');
const { Bench } = require('./host_client');

const VIDEO = `name: video
version: 1.10
activities:
  - id: cut
    name: Cut a video
    worker: ffmpeg
    num_workers: 3
    quorum: 2
    skip_on_prev_success: true
    require_gpu: true
    input_params:
      - {name: source, type: string, description: where it is}
      - {name: at, type: "[]int"}
      - {name: frame, type: "(int width, int height)"}
      - {name: flags, type: "tuple(bool, []string)"}
    output_params:
      - {name: pieces, type: "[](string, int)"}
  - id: drop
`;

function reading(t) {
  const file = path.join(new Bench(t).folder(), 'spec.yaml');
  return (text) => {
    fs.writeFileSync(file, text);
    return readSpec(file);
  };
}

/** What check says. */
function fault(check) {
  let said = '';
  assert.throws(check, (error) => {
    said = error.message;
    return error instanceof DoesNotFit || error instanceof SpecError;
  });
  return said;
}

const includes = (text, ...parts) => parts.forEach((part) => assert.ok(text.includes(part), `${part} in ${text}`));

test('a list of activities', (t) => {
  const spec = reading(t)(VIDEO), cut = spec.find('cut');
  assert.deepEqual([spec.name, spec.version, spec.activities.length], ['video', '1.10', 2]);
  assert.deepEqual([cut.version, cut.worker, cut.workers, cut.quorum, cut.skipOnPrevSuccess, cut.requireGpu], ['1.10', 'ffmpeg', 3, 2, true, true]);
  assert.deepEqual(cut.inputs.map((one) => String(one.type)), ['string', '[]int', '(int width, int height)', '(bool, []string)']);
  assert.equal(cut.inputs[0].description, 'where it is');
  assert.deepEqual([spec.find('drop').inputs, spec.find('paste')], [[], undefined]);
});

test('one task', (t) => {
  const task = reading(t)('task_kind: video/cut\ntask_version: 2.0.1\ninputs:\n  - {name: n, type: int}\noutputs: []\n').find('video/cut');
  assert.deepEqual([task.version, task.inputs[0].name], ['2.0.1', 'n']);
  assert.equal(readSpec({ task_kind: 'k', task_version: 1.5 }).version, '1.5');
});

test('what is wrong is said at its place', (t) => {
  const read = reading(t), faults = (text) => fault(() => read(text));
  includes(faults('name: x\nversion: 1\nactivities:\n  - id: a\n    inputparams: []\n'), '/activities/0/inputparams: an activity has no key "inputparams"; did you mean "input_params"?');
  includes(faults('name: x\nversion: 1\nactivities:\n  - id: a\n    input_params:\n      - {name: n, type: strin}\n      - {name: n, type: int}\n'),
    '/activities/0/input_params/0/type: there is no type "strin"; did you mean "string"?', '/activities/0/input_params/1/name: there is another parameter');
  for (const [text, part] of [['name: x\nversion: 1\nactivities:\n  - id: a\n    num_workers: 2\n    quorum: 3\n', '/activities/0/quorum: a quorum of 3'],
    ['name: x\nversion: 1\nactivities:\n  - id: a\n  - id: a\n', '/activities/1/id: there is another'], ['name: x\nactivities: []\n', 'there is no activity'], ['task_kind: a\nactivity: b\n', 'needs "task_version"'],
    ['- a\n', 'must be a map'], ['name: x\nname: y\n', 'duplicated'], ['a: [\n', 'line 2'], ['task_kind: a\ntask_version: 1\ninputs: [{name: 5, type: int}]\n', 'must be a string'],
    ['name: x\nversion: 1\nactivities: [{id: a, require_gpu: yes}]\n', 'must be true or false'], ['name: x\nversion: ""\nactivities: [{id: a}]\n', '/version: "version" is empty']]) includes(faults(text), part);
  for (const text of ['!!js/function "x"', '['.repeat(5_000), 'a: 1\n---\nb: 2\n', `# ${'x'.repeat(1 << 20)}`, `a: &a [1]\nb: [${'*a,'.repeat(2_000)}]`, '']) faults(text);
  assert.throws(() => readSpec('/nowhere/spec.yaml'), { code: 'ENOENT' });
});

test('types', () => {
  for (const text of ['string', 'bool', 'int', '[]string', '[][]int', '(int)', '( int a , []bool b )', 'tuple(int, (bool, string))']) readActivityType(text);
  for (const text of ['', 'str', 'int[]', '[]', '(', '()', '(int', '(int a, bool)', '(int a, bool a)', 'int int', '(int,)', 'String', `${'[]'.repeat(100)}int`, '('.repeat(2_000)]) {
    assert.throws(() => readActivityType(text), TypeError, text.slice(0, 20));
  }
});

test('values that fit', (t) => {
  const spec = reading(t)(VIDEO);
  checkInputs(spec.find('cut'), parseJson('{"source":"s3://a","at":[1,200000000000000000000000],"frame":{"width":1,"height":2},"flags":[true,["x"]]}'));
  checkOutputs(spec.find('cut'), { pieces: [['a', 1], ['b', 2n]] });
  checkInputs(spec.find('drop'), {});
});

test('what does not fit is said together', (t) => {
  const cut = reading(t)(VIDEO).find('cut');
  includes(fault(() => checkInputs(cut, { sourc: 'a secret', at: [1, 2.5, true], frame: { width: 1, hight: 2 }, flags: [true] })), 'activity "cut"', '/source: the input is missing',
    '/at/1: must be int, not the number 2.5', '/at/2: must be int, not the boolean true', '/frame/height: the part is missing', '/frame/hight: there is no such part; did you mean "height"?',
    '/flags: must be (bool, []string), not a list of 1', '/sourc: there is no such input; did you mean "source"?');
  includes(fault(() => checkOutputs(cut, null)), 'the outputs must be a map, not nothing');
  const many = fault(() => checkOutputs(cut, { pieces: Array(1_000).fill(1) }));
  includes(many, 'and 1 more');
  assert.ok(many.length < 2_000);
  const hidden = fault(() => checkInputs(cut, { source: 1, at: {}, frame: {}, flags: 'hunter2', 'a/b~': 1 }));
  includes(hidden, '/a~1b~0: there is no such input');
  assert.ok(!hidden.includes('hunter2'));
});

test('large and broken numbers of JSON are what they say', () => {
  assert.deepEqual(parseJson('{"a":12345678901234567890,"b":"1234567890123456789\\"0","c":[-9007199254740993,0.12345678901234567,1e3]}'),
    { a: 12345678901234567890n, b: '1234567890123456789"0', c: [-9007199254740993n, 0.12345678901234567, 1000] });
  assert.deepEqual(parseJson('["\\\\",12345678901234567890,"\\\\\\"5"]'), ['\\', 12345678901234567890n, '\\"5']);
});

test('a spec that says nothing of the kind is refused', (t) => {
  const spec = reading(t)(VIDEO), worker = new Worker();
  assert.throws(() => worker.handler('paste', { spec }, () => {}), /says nothing of "paste", only of "cut", "drop"/);
  assert.deepEqual(worker.handler('cut', { spec }, () => {}).tags, ['cut']);
});

test('versions are ordered as semver says', () => {
  const keys = '0.9 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1 1.2 1.10'.split(' ').map(parseVersion);
  for (let i = 1; i < keys.length; ++i) assert.ok(compareVersions(keys[i - 1], keys[i]) < 0 && compareVersions(keys[i], keys[i - 1]) > 0);
  assert.deepEqual(['', 'latest', '1.x', '1.0.0.0', '1'.repeat(300)].map(parseVersion), Array(5).fill(null));
});

test('ranges of versions', () => {
  for (const [text, inside, outside] of [['1.2.3', '1.2.3', '1.2.4'], ['1.x', '1.0 1.9.9', '0.9 2.0.0 2.0.0-rc.1'], ['*', '0.0.1 99', ''], ['^1.2', '1.2.0 1.9', '1.1.9 2.0.0-a 2.0'], ['^0.2', '0.2.9', '0.3.0'],
    ['~1.2.3', '1.2.9', '1.2.2 1.3.0'], ['>=1.0 <3', '1.0.0 2.9', '3.0.0 0.9 3.0.0-rc'], ['> 1.0.0, <= 1.5', '1.0.1 1.5.0', '1.0.0 1.5.1'], ['1.2.x', '1.2.7', '1.3.0']]) {
    for (const version of inside.split(' ')) assert.ok(new VersionRange(text).has(parseVersion(version)), `${version} in ${text}`);
    for (const version of outside.split(' ').filter(Boolean)) assert.ok(!new VersionRange(text).has(parseVersion(version)), `${version} not in ${text}`);
  }
  for (const text of ['', 'one', '>=2 <1', '1.0.0 - 2.0.0']) assert.throws(() => new VersionRange(text), TypeError);
});

test('of several ranges the one that says the most is taken', () => {
  const ranges = ['*', '1.x', '1.2.0', '>=1.2 <4', '1.2.x'].map((text) => new VersionRange(text));
  for (const [version, best] of [['1.2.0', '1.2.0'], ['1.2.1', '1.2.x'], ['1.1', '1.x'], ['3', '>=1.2 <4'], ['9', '*'], ['1.3', '>=1.2 <4']]) assert.equal(bestOf(ranges, parseVersion(version)).text, best);
  assert.equal(bestOf(ranges.slice(1), parseVersion('9')), null);
  const worker = new Worker().handler('k', { version: '1.x' }, () => {});
  assert.throws(() => worker.handler('k', { version: '^1.0.0' }, () => {}), /another handler/);
  assert.throws(() => worker.handler('k', { version: '2' }), /must be a function/);
  assert.throws(() => worker.handler('k', { verison: '2' }, () => {}), /a handler has no "verison"; did you mean "version"\?/);
  assert.throws(() => new Worker({ name: 'x' }), /a Worker has no "name"; there are version, tags, log/);
});
