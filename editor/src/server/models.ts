/** The models that are here already, for fields that name one. */

import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";

import * as api from "./api";
import type { ModelName, Models } from "./types";

export const models = createStore<{ readonly lists: Models }>(() => ({ lists: {} }));

/** Read the names; without them a name can still be typed. */
export async function loadModels(): Promise<void> {
  models.setState({ lists: await api.models().catch(() => ({})) });
}

const NONE: readonly ModelName[] = [];

/** The models of one list: `base`, `controlnet`, `lora`, … */
export function useModels(list: string): readonly ModelName[] {
  return useStore(models, ({ lists }) => lists[list] ?? NONE);
}
