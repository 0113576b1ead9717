import { useEffect, useState } from "react";
import { useStore } from "zustand";

import { ask } from "../server/http";
import { tokens } from "../server/token";

/**
 * The address under which `<img>` can show a picture of the server. An image element sends no
 * token, so where there is one the page fetches the picture itself; null until it is there.
 */
export function usePicture(path: string | null): string | null {
  const token = useStore(tokens, (state) => state.token);
  const [fetched, setFetched] = useState<{ path: string; url: string } | null>(null);
  useEffect(() => {
    if (token === null || path === null) return;
    const abort = new AbortController();
    let url: string | null = null;
    ask(path, { signal: abort.signal })
      .then((answer) => answer.blob())
      .then((blob) => {
        if (abort.signal.aborted) return;
        url = URL.createObjectURL(blob);
        setFetched({ path, url });
      })
      .catch(() => undefined); // an empty frame says as much
    return () => {
      abort.abort();
      if (url !== null) URL.revokeObjectURL(url);
    };
  }, [path, token]);
  if (token === null) return path;
  return fetched?.path === path ? fetched.url : null;
}
