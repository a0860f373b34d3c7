// Owns how events reach the application: typed listeners, and on* properties as WebSocket has them.

import type { ResumeSocketEventMap } from './events.js';

type Type = keyof ResumeSocketEventMap;
export type Listener<K extends Type> = (event: ResumeSocketEventMap[K]) => unknown;
type Handler<K extends Type> = Listener<K> | null;

export class SocketTarget extends EventTarget {
  #handlers = new Map<Type, EventListener>();

  get onopen(): Handler<'open'> { return this.#handler('open'); }
  set onopen(handler: Handler<'open'>) { this.#handle('open', handler); }
  get onmessage(): Handler<'message'> { return this.#handler('message'); }
  set onmessage(handler: Handler<'message'>) { this.#handle('message', handler); }
  get onclose(): Handler<'close'> { return this.#handler('close'); }
  set onclose(handler: Handler<'close'>) { this.#handle('close', handler); }
  /** Read as a handler of plain events, so that a ResumeSocket fits where a WebSocket is asked for. */
  get onerror(): ((event: Event) => unknown) | null { return this.#handler('error') as ((event: Event) => unknown) | null; }
  set onerror(handler: Handler<'error'>) { this.#handle('error', handler); }
  get ondisconnect(): Handler<'disconnect'> { return this.#handler('disconnect'); }
  set ondisconnect(handler: Handler<'disconnect'>) { this.#handle('disconnect', handler); }
  get onreconnect(): Handler<'reconnect'> { return this.#handler('reconnect'); }
  set onreconnect(handler: Handler<'reconnect'>) { this.#handle('reconnect', handler); }
  get onlost(): Handler<'lost'> { return this.#handler('lost'); }
  set onlost(handler: Handler<'lost'>) { this.#handle('lost', handler); }
  get onworkspace(): Handler<'workspace'> { return this.#handler('workspace'); }
  set onworkspace(handler: Handler<'workspace'>) { this.#handle('workspace', handler); }

  override addEventListener<K extends Type>(type: K, listener: Listener<K>, options?: boolean | AddEventListenerOptions): void;
  override addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  override addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void {
    super.addEventListener(type, listener, options);
  }

  override removeEventListener<K extends Type>(type: K, listener: Listener<K>, options?: boolean | EventListenerOptions): void;
  override removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
  override removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void {
    super.removeEventListener(type, listener, options);
  }

  #handler<K extends Type>(type: K): Handler<K> {
    return (this.#handlers.get(type) as Listener<K> | undefined) ?? null;
  }

  #handle<K extends Type>(type: K, handler: Handler<K>): void {
    const before = this.#handlers.get(type);
    if (before !== undefined) super.removeEventListener(type, before);
    this.#handlers.delete(type);
    if (typeof handler !== 'function') return;
    this.#handlers.set(type, handler as EventListener);
    super.addEventListener(type, handler as EventListener);
  }
}
