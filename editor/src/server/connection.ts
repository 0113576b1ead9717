/** The connection of the stores to the websocket, for as long as the page is open. */

import { createStore } from "zustand/vanilla";

import { hearGalleryEvent, loadGallery } from "./gallery";
import { loadJobs } from "./jobs";
import { hearJobEvent } from "./jobEvents";
import { follow, followAgain, followChosen, hearPreview, hearRunEvent, runs } from "./runs/runs";
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
        hearGalleryEvent(event);
      },
      onPreview: hearPreview,
      onConnection(now) {
        // Lost until it is back: a try that takes long, or fails, is no connection.
        const isLost = connection.getState().now.state === "lost" && now.state === "connecting";
        connection.setState({ now: isLost ? { state: "lost", retryAt: Date.now() } : now });
        if (now.state === "open") followAgain();
      },
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
  const { run, chosen } = runs.getState();
  if (run.job === null) return;
  void (chosen ? followChosen(run.job) : follow(run.job, true));
}

/** A lost connection is shown by the banner, a refused token by its dialog. */
function ignore(): void {}
