// Owns the options of ResumeSocket, their defaults and their checks, and the subprotocols that each connection offers.

import { MAX_BUFFERED_BYTES } from './limits.js';
import type { RawSocketConstructor } from './raw-socket.js';
import { systemTimers, type Timers } from './timers.js';

export const RESUME_PROTOCOL = 'coditect.resume.v1';
const BEARER = 'bearer';

export type Token = string | (() => string | Promise<string>);

export interface ResumeSocketOptions {
  /** Subprotocols for the workspace. */
  protocols?: readonly string[] | undefined;
  /** Sent to the sidecar after the subprotocol `bearer`. A function is called for each connection. */
  token?: Token | undefined;
  /** The WebSocket implementation; that of the platform when unset. */
  WebSocket?: RawSocketConstructor | undefined;
  /** What binary messages arrive as; `arraybuffer` when unset. */
  binaryType?: 'arraybuffer' | 'blob' | undefined;
  /** What to do when the channel is gone; `reopen` when unset. */
  onLost?: 'reopen' | 'close' | undefined;
  /** Bytes of messages that may wait for acknowledgement before send() throws. */
  maxBufferedBytes?: number | undefined;
  /** Numbers from 0 to below 1, for the pauses between attempts. */
  random?: (() => number) | undefined;
  /** Clock and timers, for tests. */
  timers?: Timers | undefined;
}

/** What cannot become right by trying again. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

export interface Settings {
  readonly url: string;
  readonly WebSocket: RawSocketConstructor;
  readonly onLost: 'reopen' | 'close';
  readonly maxBufferedBytes: number;
  readonly random: () => number;
  readonly timers: Timers;
  /** What the next connection offers. Rejects with the error of the token function. */
  subprotocols(): Promise<string[]>;
}

export function settle(url: string | URL, options: ResumeSocketOptions): Settings {
  const protocols = checkProtocols(options.protocols ?? []);
  const implementation = options.WebSocket ?? (globalThis.WebSocket as RawSocketConstructor | undefined);
  if (implementation === undefined) {
    throw new SetupError('This platform has no WebSocket. Pass one with the option `WebSocket`, for example that of the package ws.');
  }
  return {
    url: checkUrl(url),
    WebSocket: implementation,
    onLost: options.onLost ?? 'reopen',
    maxBufferedBytes: options.maxBufferedBytes ?? MAX_BUFFERED_BYTES,
    random: options.random ?? Math.random,
    timers: options.timers ?? systemTimers,
    subprotocols: () => offer(protocols, options.token),
  };
}

async function offer(protocols: readonly string[], token: Token | undefined): Promise<string[]> {
  if (token === undefined) return [RESUME_PROTOCOL, ...protocols];
  const value = typeof token === 'function' ? await token() : token;
  if (!isSubprotocol(value)) {
    // The token itself must not get into logs.
    throw new SetupError('The token is empty or has characters that a subprotocol may not have. Give it as the sidecar takes it: a JWT, not padded.');
  }
  return [RESUME_PROTOCOL, ...protocols, BEARER, value];
}

function checkUrl(url: string | URL): string {
  const page = (globalThis as { location?: { href: string } }).location?.href;
  const parsed = new URL(url, page);
  // As browsers do it, so that relative addresses work.
  parsed.protocol = parsed.protocol.replace(/^http/, 'ws');
  if (!/^wss?:$/.test(parsed.protocol) || parsed.hash !== '') {
    throw new DOMException(`${parsed.protocol}//${parsed.host} with this path is no WebSocket address. Use ws: or wss: and no fragment.`, 'SyntaxError');
  }
  return parsed.href;
}

function checkProtocols(protocols: readonly string[]): readonly string[] {
  for (const protocol of protocols) {
    if (!isSubprotocol(protocol)) throw new DOMException(`"${protocol}" is no subprotocol. Use letters, digits and -._ only.`, 'SyntaxError');
    if (protocol === RESUME_PROTOCOL || protocol === BEARER) {
      throw new DOMException(`The subprotocol "${protocol}" is for the sidecar and is added here. List only those of the workspace.`, 'SyntaxError');
    }
  }
  if (new Set(protocols).size !== protocols.length) throw new DOMException('A subprotocol is listed twice. List each once.', 'SyntaxError');
  return [...protocols];
}

/** A token of RFC 9110, section 5.6.2. */
function isSubprotocol(text: unknown): text is string {
  return typeof text === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
}
