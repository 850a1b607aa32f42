// Compiles the contracts for the tests. Usage: node compile.js MODULES OUT: writes OUT/NAME.json for each: {"abi", "bytecode", "functions": {signature: selector}, "events": {signature: topic},
// "errors": {signature: selector}}.
'use strict';

const { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { join, resolve } = require('node:path');

const [modules, out] = process.argv.slice(2).map((path) => resolve(path));
const requireThere = createRequire(`${modules}/`);
const solc = requireThere('solc');
const { Interface } = requireThere('ethers');

const folder = join(__dirname, 'contracts');
const sources = Object.fromEntries(readdirSync(folder).filter((name) => name.endsWith('.sol')).map((name) => [name, { content: readFileSync(join(folder, name), 'utf8') }]));
const settings = { optimizer: { enabled: true, runs: 200 }, viaIR: true, evmVersion: 'paris', outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } } };
const { contracts, errors = [] } = JSON.parse(solc.compile(JSON.stringify({ language: 'Solidity', sources, settings })));
for (const { formattedMessage } of errors) console.error(formattedMessage);
if (errors.length > 0) process.exit(1); // a warning counts, too

function describe({ abi, evm }) {
  const face = new Interface(abi);
  const named = (type, hash) => Object.fromEntries(face.fragments.filter((f) => f.type === type).map((f) => [f.format('sighash'), f[hash]]));
  return { abi, bytecode: `0x${evm.bytecode.object}`, functions: named('function', 'selector'), events: named('event', 'topicHash'), errors: named('error', 'selector') };
}

mkdirSync(out, { recursive: true });
for (const file of Object.values(contracts)) {
  for (const [name, contract] of Object.entries(file)) {
    const path = join(out, `${name}.json`);
    writeFileSync(`${path}.new`, JSON.stringify(describe(contract)));
    renameSync(`${path}.new`, path); // others may be reading
  }
}
