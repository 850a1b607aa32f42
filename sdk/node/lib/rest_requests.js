'use strict';
// What is asked over REST, and how it is answered.
const { MOST_NAME } = require('./inputs');
const { parseJson } = require('./json');
const { readAssignment, status } = require('./messages');
const { MOST_MESSAGE_BYTES } = require('./outcome');
const { Refused } = require('./refused');
const { Busy, TaskExists } = require('./run');

const TASK = /^\/tasks\/([^/]+)\/(assign|status|cancel)$/;

/** An answer that is no success: its code, and why. */
class Failure extends Error {
  constructor(code, why, isLast = false) {
    super(why);
    Object.assign(this, { code, isLast });
  }
}

/** Answers a request of node:http about the tasks of the table; their completions are told to the listener. */
async function answer(table, listener, request, response) {
  let code, value, isLast = false;
  try {
    [code, value] = route(table, listener, request, await bodyOf(request));
  } catch (error) {
    if (!(error instanceof Failure)) {
      if (!request.complete) return; // the connection broke
      throw error;
    }
    [code, value, isLast] = [error.code, { error: error.message }, error.isLast];
  }
  const data = Buffer.from(JSON.stringify(value));
  response.writeHead(code, { 'content-type': 'application/json', 'content-length': data.length, ...(isLast && { connection: 'close' }) });
  response.end(data);
}

function route(table, listener, { method, url }, body) {
  const path = url.split('?')[0], match = TASK.exec(path);
  if (path === '/health') return method === 'GET' ? health(table) : fail(405, 'only GET');
  if (!match) return fail(404, 'there are /tasks/{id}/assign, /tasks/{id}/status, /tasks/{id}/cancel and /health');
  const [, name, what] = match;
  if (method !== (what === 'status' ? 'GET' : 'POST')) return fail(405, what === 'status' ? 'only GET' : 'only POST');
  const id = decoded(name);
  if (id.length > MOST_NAME) return fail(400, `an id has at most ${MOST_NAME} characters`);
  if (what === 'assign') return assign(table, listener, id, body);
  if (what === 'cancel' && table.cancel(id, reasonOf(body))) return [202, {}];
  const run = table.find(id);
  return run ? [200, status(run)] : fail(404, 'there is no such task, or it was long ago');
}

function assign(table, listener, id, body) {
  const assignment = understood(id, body);
  try {
    table.add(assignment, table.worker.bind(assignment), listener);
  } catch (why) {
    if (why instanceof Refused) return fail(why.isUnderstood ? 422 : 400, why.message);
    if (why instanceof TaskExists) return fail(409, why.message);
    if (why instanceof Busy) return fail(503, why.message);
    throw why;
  }
  return [202, { activity_id: id, run_id: assignment.run_id }];
}

function understood(id, body) {
  let value;
  try {
    value = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return fail(400, 'the body is not JSON');
  }
  try {
    const assignment = readAssignment(value, id);
    if (assignment.run_id.length < 1 || assignment.run_id.length > MOST_NAME) throw new TypeError(`an assignment needs a run_id of at most ${MOST_NAME} characters`);
    return assignment;
  } catch (wrong) {
    return fail(400, wrong.message);
  }
}

function health(table) {
  const { worker, slots } = table;
  return [200, { status: table.isDraining ? 'draining' : 'ok', version: worker.version, slots, available_slots: table.available(), tags: worker.tags }];
}

// What a cancel says besides: nothing has to be there.
function reasonOf(body) {
  try {
    const { reason } = JSON.parse(body.toString());
    return typeof reason === 'string' ? reason : '';
  } catch {
    return '';
  }
}

async function bodyOf(request) {
  const length = request.headers['content-length'] ?? '0';
  if (request.headers['transfer-encoding'] !== undefined || !/^\d+$/.test(length)) fail(411, 'a body needs a Content-Length', true);
  if (Number(length) > MOST_MESSAGE_BYTES) fail(413, `a body has at most ${MOST_MESSAGE_BYTES} bytes`, true);
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return fail(400, 'the id in the path is not UTF-8');
  }
}

function fail(code, why, isLast = false) {
  throw new Failure(code, why, isLast);
}

module.exports = { answer };
