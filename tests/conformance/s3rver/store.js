// A store that speaks S3 on loopback, for broker_s3_test. Usage: node store.js MODULES DATA: says its port on stdout when it serves.
//
// s3rver keeps the objects and says when a URL has expired; it does not look at signatures of version 4. aws4, which knows nothing of heddle, makes each signature again before that: what
// differs by one character is refused, and so is a request without any.
'use strict';

const { createServer } = require('node:http');
const { createRequire } = require('node:module');
const { resolve } = require('node:path');
const querystring = require('node:querystring');

const [modules, directory] = process.argv.slice(2).map((path) => resolve(path));
const requireThere = createRequire(`${modules}/`);
const aws4 = requireThere('aws4');
const S3rver = requireThere('s3rver');

const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'the-secret-of-the-store' };
const region = 'eu-test-1';

function isSigned(request) {
  const [path, query = ''] = request.url.split(/\?(.*)/s);
  const parts = query.split('&');
  const signature = parts.find((part) => part.startsWith('X-Amz-Signature='));
  if (!signature) return false;
  const rest = parts.filter((part) => part !== signature).join('&');
  const host = request.headers.host;
  const again = aws4.sign({ service: 's3', region, method: request.method, host, headers: { host }, path: `${path}?${rest}`, signQuery: true }, credentials);
  return `X-Amz-Signature=${querystring.parse(again.path.split(/\?(.*)/s)[1])['X-Amz-Signature']}` === signature;
}

const store = new S3rver({ directory, silent: true, serviceEndpoint: 'localhost', configureBuckets: [{ name: 'jobs' }] });
const serve = store.callback();
const server = createServer((request, response) => {
  if (isSigned(request)) return serve(request, response);
  request.resume();
  response.writeHead(403, { 'Content-Type': 'application/xml' });
  return response.end('<Error><Code>SignatureDoesNotMatch</Code></Error>');
});
store.configureBuckets().then(() => server.listen(0, '127.0.0.1', () => console.log(server.address().port)));
