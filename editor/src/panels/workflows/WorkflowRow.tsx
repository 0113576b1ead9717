import type { WorkflowEntry } from "../../server";
import { moment } from "../../ui/times";

interface WorkflowRowProps {
  entry: WorkflowEntry;
  onOpen(): void;
  onForm: (() => void) | undefined;
  onDelete(): void;
}

/** One workflow of the list: opened by its title, shown as a form, deleted if it is one's own. */
export function WorkflowRow({ entry, onOpen, onForm, onDelete }: WorkflowRowProps) {
  const when = entry.modified === null ? "" : ` · ${moment(entry.modified)}`;
  return (
    <li className="entry">
      <button type="button" className="entry-title" onClick={onOpen}>
        <span className="entry-name">{entry.title || entry.name}</span>
        <span className="quiet">
          {entry.name}
          {entry.shipped ? "" : when}
        </span>
      </button>
      {onForm && entry.params.length > 0 && (
        <button
          type="button"
          className="small"
          onClick={onForm}
          aria-label={`Show ${entry.name} as a form`}
        >
          Form
        </button>
      )}
      {!entry.shipped && (
        <button
          type="button"
          className="small"
          onClick={onDelete}
          aria-label={`Delete ${entry.name}`}
        >
          Delete
        </button>
      )}
    </li>
  );
}
