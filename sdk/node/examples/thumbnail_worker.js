'use strict';
// Makes thumbnails of PPM images: every n-th pixel of every n-th row. Usage: thumbnail_worker.js [ADDRESS]
const { Ref, SKIPPED, Worker } = require('heddle-worker');

const worker = new Worker({ version: '1.0.0' });
const spec = { task_kind: 'thumbnails/resize', task_version: '1.0.0', inputs: [{ name: 'image', type: 'string' }, { name: 'every', type: 'int' }] };

worker.handler('thumbnails/resize', { spec }, async (task) => {
  const { image, every } = task.inputs;
  if (every < 2) return SKIPPED;
  const { signal } = task, answer = await fetch(image, { signal }), data = Buffer.from(await answer.arrayBuffer());
  const [head, kind, width, height, depth] = /^(\S+)\s+(\d+)\s+(\d+)\s+(\d+)\s/.exec(data.toString('latin1', 0, 100));
  const rows = [];
  for (let y = 0; y < height; y += every) {
    task.progress(100 * y / height, `row ${y}`);
    for (let x = 0, at = head.length + 3 * width * y; x < width; x += every) rows.push(data.subarray(at + 3 * x, at + 3 * x + 3));
  }
  const size = [width, height].map((length) => Math.ceil(length / every));
  const small = Buffer.concat([Buffer.from(`${kind} ${size.join(' ')} ${depth}\n`), ...rows]);
  const url = `${task.uploadPrefix}small.ppm`, put = await fetch(url, { method: 'PUT', body: small, signal });
  if (!put.ok) throw new Error(`the upload was answered with ${put.status}`);
  return new Ref(url);
});

worker.serve(process.argv[2], { slots: 2 });
