'use strict';
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { ROOT, Envelope } = require('./host_client');
const { decode, encode, tables } = require('../lib/protocol');

const plain = (value) => JSON.parse(JSON.stringify(value, (key, one) => (key === 'edition' || key === 'options' ? undefined : one)));

test('the tables of the messages say what the .proto says', () => {
  const proto = plain(ROOT.lookup('execution.v1').toJSON().nested);
  assert.deepEqual(plain(tables()), proto);
  assert.ok(Object.keys(proto).length >= 12);
});

test('a message goes there and back', () => {
  const said = { assign: { activity_id: 'a', inputs: [{ name: 'n', inline_bytes: Buffer.from([0xff]) }], soft_deadline_unix: 2 ** 40 } };
  const { assign } = decode(Buffer.from(Envelope.encode(said).finish()));
  assert.deepEqual([assign.activity_id, assign.inputs[0].inline_bytes, Number(assign.soft_deadline_unix)], ['a', Buffer.from([0xff]), 2 ** 40]);
  assert.deepEqual([...encode({ drain: {} })], [0x52, 0]);
});
