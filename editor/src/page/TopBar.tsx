import { useStore } from "zustand";

import { spelledKeys } from "../ui/keys";
import { openEmpty, redoLast, shown, undoLast, useEditor } from "../graph";
import { layout } from "./layout";
import { MoreMenu } from "./MoreMenu";
import { RunButton } from "./RunButton";
import { RunProgress } from "./RunProgress";
import { Tabs } from "./Tabs";

interface TopBarProps {
  onSave(): void;
  onSaveAs(): void;
}

/** The open documents, and what is done with the one that is shown. */
export function TopBar({ onSave, onSaveAs }: TopBarProps) {
  const history = useEditor((state) => shown(state)?.history);
  return (
    <header className="top">
      <h1 className="brand">nodegraph</h1>
      <Tabs />
      <button type="button" className="icon" aria-label="New workflow" title="New workflow" onClick={openEmpty}>
        +
      </button>
      <span className="spacer" />
      <ViewSwitch />
      <span className="pair">
        <button
          type="button"
          className="icon"
          aria-label="Undo"
          title={`Undo ${history?.past.at(-1)?.label ?? ""} (${spelledKeys("Mod+Z")})`}
          disabled={!history?.past.length}
          onClick={undoLast}
        >
          ↶
        </button>
        <button
          type="button"
          className="icon"
          aria-label="Redo"
          title={`Redo ${history?.future.at(-1)?.label ?? ""} (${spelledKeys("Mod+Shift+Z")})`}
          disabled={!history?.future.length}
          onClick={redoLast}
        >
          ↷
        </button>
      </span>
      <button type="button" onClick={() => layout.setState({ side: "Workflows" })}>
        Open
      </button>
      <button type="button" title={spelledKeys("Mod+S")} onClick={onSave}>
        Save
      </button>
      <MoreMenu onSaveAs={onSaveAs} />
      <RunButton />
      <RunProgress />
    </header>
  );
}

function ViewSwitch() {
  const { view } = useStore(layout);
  return (
    <span className="switch" role="group" aria-label="View">
      {(["graph", "form"] as const).map((name) => (
        <button
          type="button"
          key={name}
          aria-pressed={view === name}
          onClick={() => layout.setState({ view: name })}
        >
          {name === "graph" ? "Graph" : "Form"}
        </button>
      ))}
    </span>
  );
}
