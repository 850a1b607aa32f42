'use strict';
// How a task ended: what becomes of what a handler returned, or threw.
const { DoesNotFit, checkOutputs } = require('./check');
const { NotJson, formatJson, parseExactly, sendable } = require('./json');
const { Ref } = require('./ref');
const { MOST_REF, SKIPPED } = require('./task');

const MOST_MESSAGE_BYTES = 64 << 20; // of one message, in either direction
const MOST_RESULT = MOST_MESSAGE_BYTES - (64 << 10); // the ids and the rest have to fit in, too
const NOTHING = Buffer.alloc(0);

/** The members of a Completion, but for the ids. `status` is "SUCCESS", "ERROR" or "SKIPPED". */
const outcome = (status, { ref = '', inline = NOTHING, error = '' } = {}) => Object.freeze({ status, result_ref: ref, result_inline: inline, error });

const failed = (why) => outcome('ERROR', { error: sendable(why) });

/** Of what a handler returned; where there is an activity, checked against it. What is wrong with it is an outcome, too. */
function outcomeOf(result, activity) {
  if (result === SKIPPED) return outcome('SKIPPED');
  if (result instanceof Ref) {
    if (result.url.length >= 1 && result.url.length <= MOST_REF) return outcome('SUCCESS', { ref: sendable(result.url) });
    return failed(`the result's ref must have 1 to ${MOST_REF} characters`);
  }
  let data = bytesOf(result);
  if (!data) {
    try {
      data = Buffer.from(formatJson(result ?? (activity ? {} : null)));
    } catch (wrong) { // a function, NaN, a circle, half a character
      return failed(`the result is neither JSON nor bytes: ${wrong instanceof NotJson ? wrong.message : wrong?.name ?? typeof wrong}`);
    }
  }
  if (data.length > MOST_RESULT) {
    return failed(`the result has ${data.length} bytes, more than fit into a message (${MOST_RESULT}): put it under task.uploadPrefix, and return its Ref`);
  }
  try {
    if (activity) checkOutputs(activity, seenByOthers(data));
  } catch (wrong) {
    if (wrong instanceof DoesNotFit) return failed(wrong.message);
    throw wrong;
  }
  return outcome('SUCCESS', { inline: data });
}

function bytesOf(result) {
  if (Buffer.isBuffer(result)) return result;
  if (ArrayBuffer.isView(result)) return Buffer.from(result.buffer, result.byteOffset, result.byteLength);
  return result instanceof ArrayBuffer ? Buffer.from(result) : null;
}

// The value that somebody else reads out of the bytes.
function seenByOthers(data) {
  try {
    return parseExactly(data.toString());
  } catch {
    return data;
  }
}

module.exports = { MOST_MESSAGE_BYTES, failed, outcomeOf };
