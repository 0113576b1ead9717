/** The browser's storage; where that is forbidden, one that holds nothing, or only as long as the page. */

/** The part of `Storage` that is used. */
export type Keep = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

/** Storage that all tabs share and that outlives them. Where it is forbidden, it is always full. */
export function localKeep(): Keep {
  return allowed("localStorage") ?? FULL;
}

/** Storage of this browser tab. Where it is forbidden, it lasts as long as the page. */
export function tabKeep(): Keep {
  return allowed("sessionStorage") ?? memory;
}

/** Set what a key holds; false where there is no room. What it held before is then still there. */
export function putText(storage: Keep, key: string, text: string): boolean {
  try {
    storage.setItem(key, text);
    return true;
  } catch {
    return false;
  }
}

export function keysOf(storage: Keep): string[] {
  return Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
}

/** Reading the property already throws where the user has forbidden it. */
function allowed(name: "localStorage" | "sessionStorage"): Keep | null {
  try {
    return globalThis[name] ?? null;
  } catch {
    return null;
  }
}

const FULL: Keep = {
  length: 0,
  key: () => null,
  getItem: () => null,
  setItem: () => {
    throw new DOMException("storage is forbidden", "QuotaExceededError");
  },
  removeItem: () => undefined,
};

const texts = new Map<string, string>();

const memory: Keep = {
  get length() {
    return texts.size;
  },
  key: (index) => [...texts.keys()][index] ?? null,
  getItem: (key) => texts.get(key) ?? null,
  setItem: (key, text) => void texts.set(key, text),
  removeItem: (key) => void texts.delete(key),
};
