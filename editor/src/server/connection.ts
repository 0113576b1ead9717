/** The connection of the stores to the websocket, for as long as the page is open. */

import { createStore } from "zustand/vanilla";

import { loadGallery } from "./gallery";
import { loadJobs } from "./jobs";
import { hearJobEvent } from "./jobEvents";
import { follow, hearPreview, hearRunEvent, runs } from "./runs/runs";
import { type Connection, Socket, socketAddress } from "./socket/socket";
import { tokens } from "./token";

/** How the page stands with the server. */
export const connection = createStore<{ now: Connection }>(() => ({
  now: { state: "connecting" },
}));

let socket: Socket | null = null;

/** Connect the stores to the server, for as long as the page is open. */
export function start(): () => void {
  socket = new Socket(
    { address: socketAddress(window.location), token: () => tokens.getState().token, after: null },
    {
      onEvent(event) {
        hearJobEvent(event);
        hearRunEvent(event);
        if (event.kind === "job.done") void loadGallery().catch(ignore);
      },
      onPreview: hearPreview,
      onConnection: (now) => connection.setState({ now }),
      onGap: readAnew,
    },
  );
  socket.connect();
  const forget = tokens.subscribe((now, before) => {
    if (now.token !== before.token) retryNow();
  });
  return () => {
    forget();
    socket?.close();
    socket = null;
  };
}

/** Try to connect at once instead of when the next try is due. */
export function retryNow(): void {
  socket?.connect();
}

function readAnew(): void {
  void loadJobs().catch(ignore);
  void loadGallery().catch(ignore);
  const { job } = runs.getState().run;
  if (job !== null) void follow(job, true);
}

/** A lost connection is shown by the banner, a refused token by its dialog. */
function ignore(): void {}
