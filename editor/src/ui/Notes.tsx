import { useStore } from "zustand";

import { dismiss, notes } from "./say";

/** What was said lately; a screen reader reads it out. */
export function Notes() {
  const { all } = useStore(notes);
  return (
    <div className="notes" role="status" aria-live="polite">
      {all.map(({ id, message, action }) => (
        <div className="note" key={id}>
          <span>{message}</span>
          {action && (
            <button
              type="button"
              className="act"
              onClick={() => {
                dismiss(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
          <button type="button" aria-label="Dismiss" onClick={() => dismiss(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
