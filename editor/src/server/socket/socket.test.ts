import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { type Connection, type Listener, Socket, socketAddress } from "./socket";
import type { Preview } from "./previews";
import type { ServerEvent } from "../types";

/** A websocket that goes nowhere: the test is its server. */
class Wire {
  static all: Wire[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  binaryType = "";
  sent: Record<string, unknown>[] = [];
  closed = false;

  constructor(readonly protocols: string[]) {
    Wire.all.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.closed = true;
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

class Heard implements Listener {
  events: ServerEvent[] = [];
  previews: Preview[] = [];
  states: Connection["state"][] = [];
  gaps = 0;
  onEvent = (event: ServerEvent) => this.events.push(event);
  onPreview = (preview: Preview) => this.previews.push(preview);
  onConnection = ({ state }: Connection) => this.states.push(state);
  onGap = () => (this.gaps += 1);
}

function connected(after: number | null = 7, token: string | null = null) {
  const heard = new Heard();
  const socket = new Socket(
    {
      address: "ws://here/v1/ws",
      token: () => token,
      after,
      create: (_, protocols) => new Wire(protocols) as unknown as WebSocket,
    },
    heard,
  );
  socket.connect();
  last().onopen?.();
  return { heard, socket };
}

function last(): Wire {
  const wire = Wire.all.at(-1);
  if (!wire) throw new Error("nothing was connected");
  return wire;
}

const said = (seq: number) => ({ type: "event", seq, job: null, time: 0, kind: "queue.changed", data: {} });

beforeEach(() => {
  Wire.all = [];
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a websocket", () => {
  test("says which event it knows, and goes on after it when it comes back", () => {
    const { heard } = connected(7);
    expect(last().sent).toEqual([{ type: "hello", after: 7, jobs: "all", previews: true }]);
    last().say({ type: "welcome", seq: 9, client: "c" });
    last().say(said(8));
    last().say(said(9));

    last().onclose?.();
    vi.advanceTimersByTime(1000);
    last().onopen?.();

    expect(Wire.all).toHaveLength(2);
    expect(last().sent[0]).toMatchObject({ after: 9 });
    expect(heard.events.map(({ seq }) => seq)).toEqual([8, 9]);
    expect(heard.states).toEqual(["connecting", "open", "lost", "connecting"]);
  });

  test("hears what is told twice once", () => {
    const { heard } = connected(7);

    [said(8), said(8), said(7), said(9)].forEach((message) => last().say(message));

    expect(heard.events.map(({ seq }) => seq)).toEqual([8, 9]);
  });

  test("that knows nothing yet begins with now, and has everything read", () => {
    const { heard } = connected(null);

    last().say({ type: "welcome", seq: 40, client: "c" });
    last().say(said(41));

    expect(heard.gaps).toBe(1);
    expect(heard.events).toHaveLength(1);
  });

  test("goes on from where a gap ends, also in another database", () => {
    const { heard } = connected(900);

    last().say({ type: "welcome", seq: 3, client: "c" });
    last().say({ type: "gap", after: 3 });
    last().say(said(4));

    expect(heard.gaps).toBe(1);
    expect(heard.events.map(({ seq }) => seq)).toEqual([4]);
  });

  test("waits longer after each failure, but never long", () => {
    const { heard } = connected();
    const waits: number[] = [];
    for (let failure = 0; failure < 10; failure += 1) {
      const tries = Wire.all.length;
      last().onclose?.();
      const from = Date.now();
      while (Wire.all.length === tries) vi.advanceTimersByTime(50);
      waits.push(Date.now() - from);
    }

    expect(waits[0]).toBeLessThanOrEqual(500);
    expect(waits[5]).toBeGreaterThan(4000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(15_050);
    expect(heard.states.filter((state) => state === "lost")).toHaveLength(10);
  });

  test("is given up when it says nothing for long, whatever the browser believes", () => {
    const { heard } = connected();
    last().say({ type: "welcome", seq: 7, client: "c" });

    vi.advanceTimersByTime(70_000);

    expect(Wire.all[0]?.closed).toBe(true);
    expect(heard.states).toContain("lost");
  });

  test("offers the token as a protocol, since no header can be sent", () => {
    connected(null, "a token/with ümlaut");

    expect(last().protocols).toEqual(["nodegraph.v1", "token.YSB0b2tlbi93aXRoIMO8bWxhdXQ"]);
  });

  test("takes a preview apart: the header's length, the header, the picture", () => {
    const { heard } = connected();
    const header = new TextEncoder().encode('{"job":"j","node":"s","items":[]}');
    const frame = new Uint8Array(4 + header.length + 2);
    new DataView(frame.buffer).setUint32(0, header.length);
    frame.set(header, 4);
    frame.set([0xff, 0xd8], 4 + header.length);

    last().onmessage?.({ data: frame.buffer });
    last().onmessage?.({ data: new Uint8Array([0, 0, 9, 9]).buffer });

    expect(heard.previews).toHaveLength(1);
    expect(heard.previews[0]?.header.node).toBe("s");
    expect([...(heard.previews[0]?.jpeg ?? [])]).toEqual([0xff, 0xd8]);
  });
});

test.each([
  ["http:", "ws://here:8188/v1/ws"],
  ["https:", "wss://here:8188/v1/ws"],
])("a page that came by %s listens at %s", (protocol, expected) => {
  expect(socketAddress({ protocol, host: "here:8188" })).toBe(expected);
});
