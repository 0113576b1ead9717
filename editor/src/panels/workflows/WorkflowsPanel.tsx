import { useEffect, useState } from "react";
import { useStore } from "zustand";

import { sentence, type WorkflowEntry } from "../../server";
import * as api from "../../server/api";
import { Confirm } from "../../ui/Confirm";
import { useHost } from "../host";
import { WorkflowRow } from "./WorkflowRow";
import { library, loadLibrary, matching, openStored } from "./library";

interface WorkflowsPanelProps {
  /** Show a workflow as a form instead of a graph. */
  onForm?(entry: WorkflowEntry): void;
}

/** The workflows of the server: one's own, and those that come with the program. */
export function WorkflowsPanel({ onForm }: WorkflowsPanelProps) {
  const host = useHost();
  const { entries, loaded } = useStore(library);
  const [typed, setTyped] = useState("");
  const [deleting, setDeleting] = useState<WorkflowEntry | null>(null);
  useEffect(() => {
    loadLibrary().catch((error: unknown) => host.say(sentence(error)));
  }, [host]);
  const open = (entry: WorkflowEntry) => {
    openStored(entry.name)
      .then(([workflow, origin]) => host.open(workflow, origin))
      .catch((error: unknown) => host.say(sentence(error)));
  };
  const matches = matching(entries, typed);
  const rows = (some: WorkflowEntry[]) =>
    some.map((entry) => (
      <WorkflowRow
        key={entry.name}
        entry={entry}
        onOpen={() => open(entry)}
        onForm={onForm && (() => onForm(entry))}
        onDelete={() => setDeleting(entry)}
      />
    ));
  return (
    <section className="panel workflows" aria-label="Workflows">
      <input
        type="search"
        aria-label="Find a workflow"
        placeholder="Find a workflow"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
      <Group title="Yours" rows={rows(matches.filter((entry) => !entry.shipped))} />
      <Group title="Ready to run" rows={rows(matches.filter((entry) => entry.shipped))} />
      {loaded && !matches.length && <p className="empty">No workflow is called that.</p>}
      {deleting && <Deletion entry={deleting} onClose={() => setDeleting(null)} />}
    </section>
  );
}

function Group({ title, rows }: { title: string; rows: React.ReactNode[] }) {
  if (!rows.length) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul className="entries" aria-label={title}>
        {rows}
      </ul>
    </>
  );
}

function Deletion({ entry, onClose }: { entry: WorkflowEntry; onClose(): void }) {
  const host = useHost();
  return (
    <Confirm
      title={`Delete ${entry.name}?`}
      text="The saved workflow is deleted on the server. Pictures made with it stay, and each still carries its graph."
      yes="Delete"
      onYes={async () => {
        await api.deleteWorkflow(entry.name, entry.version);
        host.deleted(entry.name);
        await loadLibrary();
      }}
      onClose={onClose}
    />
  );
}
