// Owns what this client needs of a WebSocket implementation: browsers have it, and so has the package `ws`.

export interface RawSocket {
  binaryType: string;
  readonly protocol: string;
  // `never` lets implementations with different event classes fit.
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  /** `ws` has it, browsers do not: ends the connection without a Close and without waiting for one. */
  terminate?(): void;
}

export type RawSocketConstructor = new (url: string, protocols: string[]) => RawSocket;

/** Takes the handlers off, so that what the connection still does is nobody's business. */
export function detach(raw: RawSocket): void {
  raw.onopen = null;
  raw.onmessage = null;
  raw.onclose = null;
  // `ws` throws an error that nobody listens to.
  raw.onerror = () => undefined;
}

/** Ends a connection without waiting for the other side, which may never answer. The channel stays. */
export function abandon(raw: RawSocket): void {
  if (raw.terminate !== undefined) raw.terminate();
  else raw.close();
}
