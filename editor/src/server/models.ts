/** The models that are here already, for fields that name one. */

import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";

import * as api from "./api";
import type { ModelName, Models } from "./types";

export const models = createStore<{ readonly lists: Models }>(() => ({ lists: {} }));

/** Milliseconds for which what was read is new enough. */
const FRESH = 3000;

let asked = -Infinity;

/** Read the names: models may come and go. Without them a name can still be typed. */
export async function loadModels(): Promise<void> {
  const now = performance.now();
  if (now - asked < FRESH) return;
  asked = now;
  const lists = await api.models().catch(() => null);
  if (lists) models.setState({ lists });
  else asked = -Infinity;
}

const NONE: readonly ModelName[] = [];

/** The models of one list: `base`, `controlnet`, `lora`, … */
export function useModels(list: string): readonly ModelName[] {
  return useStore(models, ({ lists }) => lists[list] ?? NONE);
}
