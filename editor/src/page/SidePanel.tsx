import { useStore } from "zustand";

import { GalleryPanel, openStored, QueuePanel, WorkflowsPanel } from "../panels";
import { sentence } from "../server";
import { host } from "./pageHost";
import { layout, SIDES, type Side } from "./layout";

/** The panels at the right, one at a time. */
export function SidePanel() {
  const { side } = useStore(layout);
  return (
    <aside className={`side ${side === null ? "closed" : ""}`} aria-label="Panels">
      <div className="side-tabs" role="group" aria-label="Panel">
        {SIDES.map((name) => (
          <button
            type="button"
            key={name}
            aria-pressed={side === name}
            onClick={() => layout.setState({ side: side === name ? null : name })}
          >
            {name}
          </button>
        ))}
      </div>
      {side !== null && (
        <>
          <h2 className="hidden">{side}</h2>
          <Shown side={side} />
        </>
      )}
    </aside>
  );
}

function Shown({ side }: { readonly side: Side }) {
  switch (side) {
    case "Queue":
      return <QueuePanel />;
    case "Gallery":
      return <GalleryPanel />;
    case "Workflows":
      return <WorkflowsPanel onForm={(entry) => void showForm(entry.name)} />;
  }
}

async function showForm(name: string) {
  try {
    const [workflow, origin] = await openStored(name);
    host.open(workflow, origin);
    layout.setState({ view: "form" });
  } catch (error) {
    host.say(sentence(error));
  }
}
