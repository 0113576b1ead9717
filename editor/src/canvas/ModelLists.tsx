import { useStore } from "zustand";

import { datalistId, models } from "./models";

/** The names of models, for the fields that name one. */
export function ModelLists() {
  const { lists } = useStore(models);
  return Object.entries(lists).map(([list, names]) => (
    <datalist id={datalistId(list)} key={list}>
      {names.map(({ name, family }) => (
        <option key={name} value={name} label={family ?? name} />
      ))}
    </datalist>
  ));
}
