// Owns a TCP proxy that destroys connections after a random number of bytes, in the middle of frames and handshakes too.

import net from 'node:net';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export class CuttingProxy {
  cuts = 0;
  /** While true, connections are cut. */
  cutting = true;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();

  private constructor(readonly target: number, readonly budget: () => number) {
    this.#server = net.createServer((client) => this.#pass(client));
  }

  /** @param budget bytes of both directions after which the next connection is cut */
  static async start(t: TestContext, target: number, budget: () => number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target, budget);
    t.after(() => proxy.#stop());
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #pass(client: net.Socket): void {
    const server = net.connect(this.target, '127.0.0.1');
    let left = this.budget();
    const cut = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const [from, to] of [[client, server], [server, client]] as const) {
      this.#sockets.add(from);
      from.on('error', cut);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.end();
      });
      from.on('data', (data) => {
        const passed = this.cutting ? data.subarray(0, left) : data;
        left -= passed.length;
        if (passed.length === data.length) to.write(passed);
        else {
          this.cuts += 1;
          // What is within the budget arrives, the rest does not.
          from.destroy();
          to.end(passed, cut);
        }
      });
    }
  }

  #stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
