/** The websocket: reconnects with a pause, and asks for the events that it missed. */

import { backoff } from "./backoff";
import { type Preview, previewIn } from "./previews";
import { protocolsFor } from "../token";
import type { ServerEvent, ServerMessage } from "../types";

export type Connection =
  | { state: "connecting" }
  | { state: "open" }
  /** Lost; `retryAt` is when the next try starts, by the page's clock. */
  | { state: "lost"; retryAt: number };

/** Who is told what comes in. */
export interface Listener {
  onEvent(event: ServerEvent): void;
  onPreview(preview: Preview): void;
  onConnection(connection: Connection): void;
  /** Events have been missed for good, or this is the first connection: read everything anew. */
  onGap(): void;
}

export interface SocketOptions {
  address: string;
  token(): string | null;
  /** The last event that is known already; null: only what happens from now on. */
  after: number | null;
  create?(address: string, protocols: string[]): WebSocket;
}

const PING_EVERY = 20_000;
/** A connection that has said nothing for this long is dead, whatever the browser believes. */
const SILENT_FOR = 45_000;

/** One websocket that comes back by itself and goes on after the last event it saw. */
export class Socket {
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private heart: ReturnType<typeof setInterval> | undefined;
  private failures = 0;
  private heard = 0;
  private after: number | null;

  constructor(
    private readonly options: SocketOptions,
    private readonly listener: Listener,
  ) {
    this.after = options.after;
  }

  /** Connect now, also while a later try is due. */
  connect(): void {
    this.drop();
    const create = this.options.create ?? ((url, protocols) => new WebSocket(url, protocols));
    const socket = create(this.options.address, protocolsFor(this.options.token()));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.greet(socket);
    socket.onmessage = (message) => this.hear(message.data as string | ArrayBuffer);
    socket.onclose = () => this.lose();
    this.socket = socket;
    this.listener.onConnection({ state: "connecting" });
  }

  /** Close for good. */
  close(): void {
    this.drop();
  }

  private greet(socket: WebSocket): void {
    socket.send(JSON.stringify({ type: "hello", after: this.after, jobs: "all", previews: true }));
    this.heard = Date.now();
    this.heart = setInterval(() => this.beat(socket), PING_EVERY);
  }

  private beat(socket: WebSocket): void {
    if (Date.now() - this.heard > SILENT_FOR) this.lose();
    else socket.send(JSON.stringify({ type: "ping" }));
  }

  private hear(data: string | ArrayBuffer): void {
    this.heard = Date.now();
    if (data instanceof ArrayBuffer) {
      const preview = previewIn(data);
      if (preview) this.listener.onPreview(preview);
      return;
    }
    this.take(JSON.parse(data) as ServerMessage);
  }

  private take(message: ServerMessage): void {
    switch (message.type) {
      case "welcome":
        this.failures = 0;
        this.listener.onConnection({ state: "open" });
        if (this.after === null) this.forget(message.seq);
        return;
      case "gap":
        this.forget(message.after);
        return;
      case "event":
        // A server that says something twice, around a reconnection, is heard once.
        if (this.after !== null && message.seq <= this.after) return;
        this.after = message.seq;
        this.listener.onEvent(message);
        return;
      case "pong":
    }
  }

  private forget(upto: number): void {
    this.after = upto;
    this.listener.onGap();
  }

  private lose(): void {
    this.drop();
    const wait = backoff(this.failures++);
    this.timer = setTimeout(() => this.connect(), wait);
    this.listener.onConnection({ state: "lost", retryAt: Date.now() + wait });
  }

  private drop(): void {
    clearTimeout(this.timer);
    clearInterval(this.heart);
    const { socket } = this;
    if (!socket) return;
    this.socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

/** The websocket's address on the server that the page came from. */
export function socketAddress(page: { protocol: string; host: string }): string {
  return `${page.protocol === "https:" ? "wss" : "ws"}://${page.host}/v1/ws`;
}
