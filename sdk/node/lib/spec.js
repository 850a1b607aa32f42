'use strict';
// Activity specs: what kinds of work a worker takes, and what goes into each and comes out of it.
//
// Two forms, as an object or as the YAML of it:
//
//     name: thumbnails                       task_kind: thumbnails/resize
//     version: 1.2.0                         task_version: 1.2.0
//     activities:                            inputs: [{name: image, type: string}]
//       - id: resize                         outputs: [{name: small, type: string}]
//         input_params: [{name: image, type: string, description: where it is}]
//         output_params: [{name: small, type: string}]
const { ActivityType, readActivityType } = require('./activity_type');
const { Fields } = require('./spec_fields');
const { parseSpecFile } = require('./spec_file');

const SPEC_KEYS = ['name', 'version', 'activities'], TASK_KEYS = ['task_kind', 'task_version', 'inputs', 'outputs'];
const ACTIVITY_KEYS = ['id', 'name', 'description', 'worker', 'num_workers', 'quorum', 'skip_on_prev_success', 'require_gpu', 'input_params', 'output_params'];
const PARAM_KEYS = ['name', 'type', 'description'];
const MOST_FAULTS = 20;

/** Everything that is wrong with a spec, by JSON Pointer. */
class SpecError extends TypeError {
  name = 'SpecError';
}

/**
 * @typedef {{ name: string, type: ActivityType, description: string }} Param
 * @typedef {{ kind: string, version: string, name: string, description: string, worker: string, workers: number, quorum: number,
 *   skipOnPrevSuccess: boolean, requireGpu: boolean, inputs: Param[], outputs: Param[] }} Activity `kind` is what a task of it is called
 */

class ActivitySpec {
  /** @param {Activity[]} activities no two of one kind */
  constructor(name, version, activities) {
    Object.assign(this, { name, version, activities });
  }

  /** @returns {Activity | undefined} */
  find(kind) {
    return this.activities.find((one) => one.kind === kind);
  }
}

/** An ActivitySpec of an object, of the path of a YAML file, or of one that was read before. SpecError; or the system's error, where a file cannot be read. */
function readSpec(source) {
  if (source instanceof ActivitySpec) return source;
  let where = '', entry = source;
  if (typeof source === 'string' || source instanceof URL) {
    where = `${source}: `;
    try {
      entry = parseSpecFile(source);
    } catch (wrong) {
      throw wrong instanceof TypeError ? new SpecError(where + wrong.message) : wrong;
    }
  }
  const faults = [];
  const isMap = typeof entry === 'object' && entry !== null;
  const spec = isMap && !('activities' in entry) && TASK_KEYS.some((key) => key in entry) ? readTask(entry, faults) : readList(entry, faults);
  if (!faults.length) return spec;
  const more = faults.length > MOST_FAULTS ? `; and ${faults.length - MOST_FAULTS} more` : '';
  throw new SpecError(where + faults.slice(0, MOST_FAULTS).join('; ') + more);
}

function readTask(root, faults) {
  const fields = new Fields(faults, root, '', TASK_KEYS, "a task's spec");
  const kind = fields.required('task_kind', true), version = fields.required('task_version', true);
  const activity = {
    kind, version, name: '', description: '', worker: '', workers: 1, quorum: 1, skipOnPrevSuccess: false, requireGpu: false,
    inputs: readParams(fields, 'inputs', faults), outputs: readParams(fields, 'outputs', faults),
  };
  return new ActivitySpec(kind, version, [activity]);
}

function readList(root, faults) {
  const fields = new Fields(faults, root, '', SPEC_KEYS, 'an activity spec');
  const name = fields.required('name', true), version = fields.required('version', true);
  const kinds = new Set();
  const activities = fields.list('activities', true).map((one, i) => {
    const path = `/activities/${i}`, activity = readActivity(new Fields(faults, one, path, ACTIVITY_KEYS, 'an activity'), version, faults);
    if (activity.kind && kinds.has(activity.kind)) faults.push(`${path}/id: there is another activity "${activity.kind}"`);
    kinds.add(activity.kind);
    return activity;
  });
  if (fields.raw('activities')?.length === 0) faults.push('/activities: there is no activity');
  return new ActivitySpec(name, version, activities);
}

function readActivity(fields, version, faults) {
  const workers = fields.count('num_workers'), quorum = fields.count('quorum');
  if (quorum > workers) faults.push(`${fields.path}/quorum: a quorum of ${quorum} needs as many workers, and "num_workers" is ${workers}`);
  return {
    kind: fields.required('id', true), version, name: fields.label('name'), description: fields.text('description'), worker: fields.text('worker'),
    workers, quorum, skipOnPrevSuccess: fields.flag('skip_on_prev_success'), requireGpu: fields.flag('require_gpu'),
    inputs: readParams(fields, 'input_params', faults), outputs: readParams(fields, 'output_params', faults),
  };
}

function readParams(of, key, faults) {
  const names = new Set();
  return of.list(key).map((entry, i) => {
    const path = `${of.path}/${key}/${i}`, fields = new Fields(faults, entry, path, PARAM_KEYS, 'a parameter');
    const name = fields.required('name'), text = fields.required('type');
    if (name && names.has(name)) faults.push(`${path}/name: there is another parameter "${name}"`);
    names.add(name);
    let type = new ActivityType('string');
    try {
      if (text) type = readActivityType(text);
    } catch (wrong) {
      faults.push(`${path}/type: ${wrong.message}`);
    }
    return { name, type, description: fields.text('description') };
  });
}

module.exports = { ActivitySpec, SpecError, readSpec };
