// Owns what send() and close() take from the application: the checks that a browser makes, and the copy that is kept.

import { CLOSE_REASON_BYTES } from './limits.js';
import type { OutgoingMessage } from './send-window.js';

const encoder = new TextEncoder();
const NORMAL = 1000;

/** Copies the data, because the application may change its buffers after send(). */
export function toMessage(data: string | ArrayBuffer | ArrayBufferView): OutgoingMessage {
  if (typeof data === 'string') return { text: true, bytes: encoder.encode(data) };
  if (ArrayBuffer.isView(data)) {
    return { text: false, bytes: new Uint8Array(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) };
  }
  if (data instanceof ArrayBuffer) return { text: false, bytes: new Uint8Array(data.slice(0)) };
  throw new TypeError('send() takes a string, an ArrayBuffer or a view of one. Read a Blob first: send(await blob.arrayBuffer()).');
}

export function checkSize(size: number, most: number): void {
  if (size <= most) return;
  throw new DOMException(`The message has ${size} bytes, and the sidecar takes ${most}. Send it in parts.`, 'QuotaExceededError');
}

export function checkRoom(waiting: number, more: number, most: number): void {
  if (waiting + more <= most) return;
  throw new DOMException(
    `${waiting} bytes are not acknowledged yet, and ${more} more would exceed maxBufferedBytes (${most}). Wait until bufferedAmount is lower, or raise the option.`,
    'QuotaExceededError',
  );
}

export function checkClose(code = NORMAL, reason = ''): { code: number; reason: string } {
  if (code !== NORMAL && !(Number.isInteger(code) && code >= 3000 && code <= 4999)) {
    throw new DOMException(`close() does not take the code ${code}. Use 1000, or one from 3000 to 4999.`, 'InvalidAccessError');
  }
  const bytes = encoder.encode(reason).length;
  if (bytes > CLOSE_REASON_BYTES) {
    throw new DOMException(`The reason has ${bytes} bytes of UTF-8. Shorten it to ${CLOSE_REASON_BYTES}.`, 'SyntaxError');
  }
  return { code, reason };
}
