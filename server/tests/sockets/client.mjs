// A client with the library `ws`: signs in as a page does, talks to the echo and to a terminal. Says `ok` when all is as it should be.
//
//     node client.mjs MODULE BASE TOKEN

import assert from 'node:assert/strict';

const [module, base, token] = process.argv.slice(2);
const { WebSocket } = await import(module);

const open = (path, protocols, options) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(base + path, protocols, options);
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });
const next = (socket) => new Promise((resolve) => socket.once('message', (data, binary) => resolve(binary ? data : data.toString())));

const echo = await open('/echo', ['bearer', token, 'echo.v1'], { perMessageDeflate: { threshold: 0 } });
assert.equal(echo.protocol, 'echo.v1');
assert.match(echo.extensions, /permessage-deflate/);
for (const message of ['hello', '漢字'.repeat(50_000), '', Buffer.alloc(300_000, 7)]) {
  const answer = next(echo);
  echo.send(message);
  assert.deepEqual(await answer, message);
}
const whole = next(echo);
for (const [part, fin] of [['in ', false], ['three ', false], ['parts', true]]) echo.send(part, { fin });
assert.equal(await whole, 'in three parts');
const pong = new Promise((resolve) => echo.once('pong', (data) => resolve(data.toString())));
echo.ping('there?');
assert.equal(await pong, 'there?');
const closed = new Promise((resolve) => echo.once('close', (code, reason) => resolve([code, reason.toString()])));
echo.close(4000, 'enough');
assert.equal((await closed)[0], 4000);

const terminal = await open('/terminal', ['bearer', token]);
let output = '';
const seen = new Promise((resolve) =>
  terminal.on('message', (data) => {
    const [kind, text] = JSON.parse(data.toString());
    if (kind === 'stdout') output += text;
    if (output.includes('42 of node')) resolve();
  }),
);
terminal.send(JSON.stringify(['stdin', 'echo $((6 * 7)) of node\r']));
await seen;
terminal.close();

const refused = new WebSocket(base + '/echo', ['bearer', 'x.y.z']);
assert.equal(await new Promise((resolve) => refused.once('close', resolve)), 4401);
console.log('ok');
