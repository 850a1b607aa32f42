'use strict';
// Where a server listens, and with which certificates.
const { readFileSync } = require('node:fs');
const { BlockList, isIP } = require('node:net');
const { known } = require('./options');

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Paths of PEM files. With `clientCa`, only clients with a certificate of that authority are served (mTLS).
 * @typedef {{ certificate: string, key: string, clientCa?: string }} Tls
 */

/** { host, port } of "host:port" or "[::1]:port". Throws. */
function split(address) {
  const match = /^(.+):(\d{1,5})$/.exec(address);
  if (!match || Number(match[2]) > 65535) throw new TypeError(`"${address}" is not an address, such as 127.0.0.1:7070`);
  return { host: match[1].replace(/^\[(.*)\]$/, '$1'), port: Number(match[2]) };
}

function join(host, port) {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Throws: others could listen, and nobody has said that they may. */
function checkPlain(host, tls, insecure) {
  if (tls || insecure || host === 'localhost') return;
  const family = isIP(host);
  if (family && LOOPBACK.check(host, `ipv${family}`)) return;
  throw new TypeError(`${host} is not a loopback address: what is said there in plain text others can read. Give tls: {…}, or insecure: true`);
}

/** { key, cert, ca } as Node's TLS wants them. Throws the system's error, where one cannot be read. */
function contentsOf(tls) {
  known(tls, ['certificate', 'key', 'clientCa'], 'tls');
  return { key: readFileSync(tls.key), cert: readFileSync(tls.certificate), ca: tls.clientCa ? readFileSync(tls.clientCa) : null };
}

module.exports = { checkPlain, contentsOf, join, split };
