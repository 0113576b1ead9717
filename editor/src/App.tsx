import { ReactFlowProvider } from "@xyflow/react";
import { useEffect } from "react";
import { useStore } from "zustand";

import { Canvas } from "./page/Canvas";
import { ContextMenu } from "./ui/menu/ContextMenu";
import { HelpDialog } from "./commands/HelpDialog";
import { NotKept } from "./documents/NotKept";
import { PutAside } from "./documents/PutAside";
import { leaveField } from "./ui/useField";
import { editor } from "./graph";
import { AskDialog } from "./ui/QuestionDialog";
import { FormView } from "./page/FormView";
import { host } from "./page/pageHost";
import { layout } from "./page/layout";
import { Notes } from "./ui/Notes";
import { SidePanel } from "./page/SidePanel";
import { StatusBar } from "./page/StatusBar";
import { TopBar } from "./page/TopBar";
import { startPage } from "./page/starting";
import { Trouble } from "./page/Trouble";
import { Palette } from "./palette/Palette";
import { ConnectionBanner, DropHint, HostProvider, TokenDialog, useSaving } from "./panels";

/** The whole page. */
export function App() {
  useEffect(startPage, []);
  return (
    <HostProvider value={host}>
      <Trouble>
        <ReactFlowProvider>
          <Page />
        </ReactFlowProvider>
      </Trouble>
    </HostProvider>
  );
}

function Page() {
  const { view } = useStore(layout);
  const saving = useSaving();
  const save = () => {
    leaveField();
    void saving.save(editor.getState().active);
  };
  const saveAs = () => {
    leaveField();
    saving.saveAs(editor.getState().active);
  };
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      if (event.shiftKey) saveAs();
      else save();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  });
  return (
    <div className="page">
      <TopBar onSave={save} onSaveAs={saveAs} />
      <ConnectionBanner />
      <NotKept />
      <PutAside />
      <div className="middle">
        <main className="stage">{view === "graph" ? <Canvas /> : <FormView />}</main>
        <SidePanel />
      </div>
      <StatusBar />
      <Palette />
      <ContextMenu />
      <HelpDialog />
      <DropHint />
      <AskDialog />
      <TokenDialog />
      <Notes />
      {saving.element}
    </div>
  );
}
