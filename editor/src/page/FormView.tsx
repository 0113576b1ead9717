import { useMemo } from "react";

import { formRan } from "../documents/running";
import { present, shown, titleOf, toDocument, useEditor } from "../graph";
import { FormPanel } from "../panels";
import { layout } from "./layout";

/** The document as a form: what can be set in it, and what comes out. */
export function FormView() {
  const now = useEditor((state) => shown(state));
  const workflow = useEditor(present);
  const text = useMemo(() => toDocument(workflow), [workflow]);
  if (!now) return null;
  return (
    <FormPanel
      key={now.id}
      workflow={text}
      title={titleOf(now)}
      keep={now}
      onShowGraph={() => layout.setState({ view: "graph" })}
      job={now.job}
      onRun={(job, params) => formRan(now.id, job, params)}
    />
  );
}
