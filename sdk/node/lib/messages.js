'use strict';
// The messages of the protocol as JSON, for REST: the names of the .proto, bytes in base64.

const ASSIGNMENT = {
  activity_id: 'text', workflow_instance_id: 'text', run_id: 'text', task_kind: 'text', task_version: 'text', inputs: 'list', upload_prefix: 'text',
  soft_deadline_unix: 'number', heartbeat_interval_s: 'number',
};
const INPUT = { name: 'text', media_type: 'text', ref: 'text', inline_json: 'text', inline_bytes: 'text' };
const isWhole = (value) => Number.isInteger(value) || typeof value === 'bigint';
const TYPES = {
  text: { otherwise: '', isIt: (value) => typeof value === 'string', name: 'a text' },
  number: { otherwise: 0, isIt: isWhole, name: 'a whole number' },
  list: { otherwise: [], isIt: Array.isArray, name: 'a list' },
};
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** What has the members of a TaskAssignment. Throws: what cannot be understood. What is not known is passed over, as in protobuf. */
function readAssignment(value, activityId) {
  const one = members(value, ASSIGNMENT, 'the assignment');
  if (one.activity_id !== '' && one.activity_id !== activityId) throw new TypeError('the activity_id is not that of the path');
  if (!isWithin(one.soft_deadline_unix, 2 ** 63) || !isWithin(one.heartbeat_interval_s, 2 ** 31)) throw new TypeError('soft_deadline_unix or heartbeat_interval_s is out of range');
  return { ...one, activity_id: activityId, inputs: one.inputs.map(readInput), heartbeat_interval_s: Number(one.heartbeat_interval_s) };
}

/** The Completion of a run that has ended. */
function completion({ activityId, runId, outcome }) {
  return { activity_id: activityId, run_id: runId, ...outcome, result_inline: outcome.result_inline.toString('base64') };
}

/** What GET /tasks/{id}/status answers of a run. */
function status(run) {
  const { percent, message, checkpoint } = run.said ?? { percent: 0, message: '', checkpoint: '' };
  const out = {
    activity_id: run.activityId, run_id: run.runId, status: run.isBegun ? 'running' : 'pending', progress: percent, message, checkpoint_ref: checkpoint,
    result_ref: '', result_inline: '', error: '',
  };
  if (!run.outcome) return out;
  const { status: ended, ...rest } = completion(run);
  return { ...out, ...rest, status: ended === 'ERROR' ? 'failed' : 'completed', ...(ended === 'SKIPPED' && { skipped: true }) };
}

function readInput(entry, i) {
  const one = members(entry, INPUT, `input ${i + 1}`);
  if (!BASE64.test(one.inline_bytes) || one.inline_bytes.length % 4) throw new TypeError(`inline_bytes of input ${i + 1} is not base64`);
  return { ...one, inline_bytes: Buffer.from(one.inline_bytes, 'base64') };
}

function members(value, types, what) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError(`${what} must be an object`);
  const out = {};
  for (const [key, type] of Object.entries(types)) {
    const { otherwise, isIt, name } = TYPES[type];
    out[key] = (Object.hasOwn(value, key) ? value[key] : null) ?? otherwise;
    if (!isIt(out[key])) throw new TypeError(`"${key}" of ${what} must be ${name}`);
  }
  return out;
}

const isWithin = (value, end) => Number(value) >= -end && Number(value) < end;

module.exports = { completion, readAssignment, status };
