/** Whether the list of shortcuts is shown. */

import { createStore } from "zustand";

export const help = createStore<{ readonly open: boolean }>()(() => ({ open: false }));
