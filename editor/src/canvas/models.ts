/** The names of the models there are, offered where one is to be named. */

import { createStore, useStore } from "zustand";

import { kindsNow, own, present, useEditor } from "../graph";
import { api, type Models } from "../server";
import { modelList } from "./widgets";

export const models = createStore<{ readonly lists: Models }>()(() => ({ lists: {} }));

/** Read the names; without them a name can still be typed. */
export async function loadModels() {
  models.setState({ lists: await api.models().catch(() => ({})) });
}

export const datalistId = (list: string) => `models-${list}`;

/** The id of the `<datalist>` for an input; undefined for one that names no model. */
export function useModelNames(node: string, input: string): string | undefined {
  const lists = useStore(models, (state) => state.lists);
  const kind = useEditor((state) => own(kindsNow(state), own(present(state).nodes, node)?.type ?? ""));
  const list = modelList(input, kind?.outputs ?? {}, Object.keys(lists));
  return list === undefined ? undefined : datalistId(list);
}
