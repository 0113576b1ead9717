import { useStore } from "zustand";

import { connection, retryNow } from "../server";
import { useNow } from "../ui/useNow";

/** Says that the server is away, and what that means; nothing while it is there. */
export function ConnectionBanner() {
  const now = useStore(connection, (state) => state.now);
  const seconds = useNow(now.state === "lost");
  if (now.state !== "lost") return null;
  const left = Math.max(0, Math.ceil(now.retryAt / 1000 - seconds));
  return (
    <div className="banner" role="status">
      <span>
        The server does not answer. You can go on drawing; what is queued there is kept.{" "}
        <span aria-hidden="true">{left > 0 ? `Next try in ${left} s.` : "Trying …"}</span>
      </span>
      <button type="button" onClick={retryNow}>
        Try now
      </button>
    </div>
  );
}
