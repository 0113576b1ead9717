import { useCallback, useState } from "react";

import { sentence } from "../server";

/** Run something that may fail, and know that it runs and why it failed. */
export function useAction(): {
  busy: boolean;
  failed: string | null;
  act(action: () => Promise<unknown>): Promise<boolean>;
} {
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const act = useCallback(async (action: () => Promise<unknown>) => {
    setBusy(true);
    setFailed(null);
    try {
      await action();
      return true;
    } catch (error) {
      setFailed(sentence(error));
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  return { busy, failed, act };
}
