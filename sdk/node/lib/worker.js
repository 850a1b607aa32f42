'use strict';
// The registry of handlers, and what is done with one assignment.
const { DoesNotFit, checkInputs } = require('./check');
const { oneLine, trace } = require('./hiding');
const { exactInputs } = require('./inputs');
const { STDERR } = require('./log');
const { known } = require('./options');
const { failed, outcomeOf } = require('./outcome');
const { Refused } = require('./refused');
const { SpecError, readSpec } = require('./spec');
const { Cancelled, Task } = require('./task');
const { parseVersion } = require('./version');
const { VersionRange, bestOf } = require('./version_range');

const MOST_SHOWN = 20, MOST_KIND = 1_000;

/**
 * What a process can do. Handlers are added before it serves.
 *
 * @typedef {{ version?: string, spec?: object | string | URL }} HandlerOptions
 * @typedef {{ slots?: number, tls?: import('./address').Tls, insecure?: boolean, limits?: Partial<typeof import('./run').LIMITS> }} ServerOptions
 */
class Worker {
  #entries = new Map(); // kind → entries: { kind, versions, activity, handle }
  #tags;

  /**
   * `tags` are said to the host besides the kinds, such as "gpu".
   * @param {{ version?: string, tags?: string[], log?: import('./log').Log }} options
   */
  constructor(options) {
    const { version = '0.0.0', tags = [], log = STDERR } = known(options, ['version', 'tags', 'log'], 'a Worker');
    if (!parseVersion(version)) throw new TypeError(`"${version}" is not a version`);
    Object.assign(this, { version, log });
    this.#tags = [...tags];
  }

  /**
   * Adds the function that does tasks of this kind: it gets a Task, and returns JSON, bytes, a Ref or SKIPPED, or a promise of it; or throws.
   * `version` is one or a range: "1.0.0", "1.x", "^1.2", ">=1.0 <3"; left out, the spec's, or any. `spec` is an object, the path of a YAML file, or an ActivitySpec.
   * Throws: what is said does not go together.
   *
   * @param {string} kind
   * @param {HandlerOptions | ((task: Task) => any)} options may be left out
   * @param {(task: Task) => any} [handle]
   * @returns {this}
   */
  handler(kind, options, handle = options) {
    const { version, spec } = handle === options ? {} : known(options, ['version', 'spec'], 'a handler');
    if (typeof kind !== 'string' || !kind || kind.length > MOST_KIND) throw new TypeError(`a kind has 1 to ${MOST_KIND} characters`);
    if (typeof handle !== 'function') throw new TypeError(`the handler of "${kind}" must be a function`);
    const activity = spec === undefined ? null : activityOf(readSpec(spec), kind);
    const versions = new VersionRange(version ?? activity?.version ?? '*');
    const entries = this.#entries.get(kind) ?? [];
    if (entries.some((one) => one.versions.equals(versions))) throw new TypeError(`there is another handler of "${kind}", version ${versions.text}`);
    this.#entries.set(kind, [...entries, { kind, versions, activity, handle }]);
    return this;
  }

  get kinds() {
    return [...this.#entries.keys()].sort();
  }

  get tags() {
    return [...this.kinds, ...this.#tags.filter((tag) => !this.#entries.has(tag))];
  }

  /** { entry, task } of an assignment, its inputs checked. Refused. */
  bind(assignment) {
    const entry = this.#entryFor(assignment.task_kind, assignment.task_version);
    const task = taskOf(assignment);
    if (!entry.activity?.inputs.some((param) => param.name === 'checkpoint')) delete task.inputs.checkpoint;
    try {
      if (entry.activity) checkInputs(entry.activity, exactInputs(task.inputs, assignment.inputs));
    } catch (wrong) {
      if (wrong instanceof DoesNotFit) throw new Refused(wrong.message, true);
      throw wrong;
    }
    return { entry, task };
  }

  /** Calls the handler, and says how it ended. Never rejects. */
  async perform(entry, task) {
    const secrets = [{ ...task.inputs }, task.checkpoint, task.uploadPrefix]; // a copy: the handler may take its inputs apart
    try {
      return outcomeOf(await entry.handle(task), entry.activity);
    } catch (error) {
      return this.#thrown(error, task, secrets);
    }
  }

  /** A gRPC server of this worker: see GrpcServer. Port 0 takes a free one. @param {ServerOptions} [options] */
  async start(address, options) {
    return require('./grpc_server').GrpcServer.start(this, address, options);
  }

  /** The same over REST, without gRPC: see RestServer. @param {ServerOptions & { callback?: string }} [options] */
  async startRest(address, options) {
    return require('./rest_server').RestServer.start(this, address, options);
  }

  /** Serves over gRPC until SIGTERM or SIGINT; then ends what is in hand, for at most `grace` seconds. A second signal ends the process at once. */
  async serve(address = '127.0.0.1:7070', { grace = 30, ...options } = {}) {
    await require('./serving').serveUntilTold(() => this.start(address, options), grace, this.log);
  }

  /** The same over REST. `callback` is the URL of a host: completions are posted to {callback}/tasks/{id}/complete. */
  async serveRest(address = '127.0.0.1:7071', { grace = 30, ...options } = {}) {
    await require('./serving').serveUntilTold(() => this.startRest(address, options), grace, this.log);
  }

  #entryFor(kind, version) {
    const entries = this.#entries.get(kind);
    if (!entries) throw new Refused(`no handler of "${kind.slice(0, MOST_KIND)}"; there are ${listed(this.kinds) || 'none'}`, true);
    const key = version ? parseVersion(version) : null;
    if (version && !key) throw new Refused(`"${version.slice(0, 80)}" is not a version`);
    if (entries.length === 1 && !key) return entries[0];
    const best = bestOf(entries.map((one) => one.versions), key);
    if (best) return entries.find((one) => one.versions === best);
    throw new Refused(`no handler of "${kind}" for version ${version.slice(0, 80)}; there are ${listed(entries.map((one) => one.versions.text))}`, true);
  }

  #thrown(error, task, secrets) {
    if (error instanceof Cancelled) return failed('cancelled');
    try {
      this.log.error(`task "${task.activityId}", run "${task.runId}" of ${task.kind}: ${trace(error, secrets)}`);
      return failed(oneLine(error, secrets));
    } catch { // an error that cannot say what it is
      return failed(typeof error?.constructor?.name === 'string' ? error.constructor.name : 'an error');
    }
  }
}

function activityOf(spec, kind) {
  const activity = spec.find(kind);
  if (activity) return activity;
  throw new SpecError(`the spec "${spec.name}" says nothing of "${kind}", only of ${listed(spec.activities.map((one) => one.kind))}`);
}

function taskOf(assignment) {
  try {
    return new Task(assignment);
  } catch (wrong) {
    throw new Refused(wrong.message);
  }
}

function listed(names) {
  const more = names.length > MOST_SHOWN ? ` and ${names.length - MOST_SHOWN} more` : '';
  return names.slice(0, MOST_SHOWN).map((name) => `"${name}"`).join(', ') + more;
}

module.exports = { Worker };
