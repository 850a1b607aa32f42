'use strict';
// Workers for heddle, in JavaScript: see README.md.
const { DoesNotFit, checkInputs, checkOutputs } = require('./check');
const { Ref } = require('./ref');
const { LIMITS } = require('./run');
const { ActivitySpec, SpecError, readSpec } = require('./spec');
const { Cancelled, SKIPPED, Task } = require('./task');
const { Worker } = require('./worker');

module.exports = { ActivitySpec, Cancelled, DoesNotFit, LIMITS, Ref, SKIPPED, SpecError, Task, Worker, checkInputs, checkOutputs, readSpec };
