'use strict';
// The messages of execution.v1, made when it is first needed from the tables below: nothing generated, nothing to compile.
//
// The contract is sdk/proto/execution/v1/execution.proto; a test compares the two.
const { Root } = require('protobufjs/light');

const PACKAGE = 'execution.v1', SERVICE = 'Execution', METHOD = 'TaskStream';
const PATH = `/${PACKAGE}.${SERVICE}/${METHOD}`;
const VERSIONS = { min: '1.0.0', max: '1.0.0' }; // which versions of the protocol are spoken here, both ends included

// Message → fields, in the order of their numbers, which begin with 1. "*" marks what is repeated.
const ENVELOPE = 'hello Version, hello_ack Version, capabilities Capabilities, capacity CapacityUpdate, assign TaskAssignment, ack Ack, ' +
  'progress Progress, completion Completion, cancel Cancel, drain Drain'; // one of them at a time: msg
const MESSAGES = {
  Version: 'min string, max string',
  Capabilities: 'max_concurrency uint32, tags *string',
  CapacityUpdate: 'available_slots uint32',
  InputDescriptor: 'name string, media_type string, ref string, inline_json string, inline_bytes bytes',
  TaskAssignment: 'activity_id string, workflow_instance_id string, run_id string, task_kind string, task_version string, inputs *InputDescriptor, ' +
    'upload_prefix string, soft_deadline_unix int64, heartbeat_interval_s int32',
  Ack: 'activity_id string, run_id string',
  Progress: 'activity_id string, run_id string, percent uint32, message string, checkpoint_ref string',
  Completion: 'activity_id string, run_id string, status string, result_ref string, result_inline bytes, error string',
  Cancel: 'activity_id string, reason string',
  Drain: '',
};

function fieldsOf(table) {
  const fields = {};
  for (const [i, entry] of (table ? table.split(', ') : []).entries()) {
    const [name, kind] = entry.split(' ');
    fields[name] = { ...(kind.startsWith('*') && { rule: 'repeated' }), type: kind.replace('*', ''), id: i + 1 };
  }
  return fields;
}

/** The tables, as protobufjs writes a file down. */
function tables() {
  const fields = fieldsOf(ENVELOPE);
  const nested = { Envelope: { oneofs: { msg: { oneof: Object.keys(fields) } }, fields } };
  for (const [name, table] of Object.entries(MESSAGES)) nested[name] = { fields: fieldsOf(table) };
  nested[SERVICE] = { methods: { [METHOD]: { requestType: 'Envelope', requestStream: true, responseType: 'Envelope', responseStream: true } } };
  return nested;
}

const Envelope = Root.fromJSON({ nested: { execution: { nested: { v1: { nested: tables() } } } } }).lookupType(`${PACKAGE}.Envelope`);

/** The bytes of { hello: … }, or of whichever one it is. */
function encode(envelope) {
  return Envelope.encode(envelope).finish();
}

/** Its `msg` is the name of what is in it. Throws, where the bytes are no Envelope. */
function decode(data) {
  return Envelope.decode(data);
}

module.exports = { METHOD, PATH, VERSIONS, decode, encode, tables };
