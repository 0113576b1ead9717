/** The state of the list of shortcuts: open or not. */

import { createStore } from "zustand";

export const help = createStore<{ readonly open: boolean }>()(() => ({ open: false }));
