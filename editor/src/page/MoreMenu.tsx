import { useRef } from "react";

import { COMMANDS } from "../commands/commands";
import { tidy } from "../commands/nodeActions";
import { help } from "../commands/help";
import { explainAgain } from "../card/checks";
import { openMenuBelow, type MenuItem } from "../ui/menu/menu";
import { edit, editor, reopen, setTitle, shown, titleOf } from "../graph";
import { takeFiles } from "../panels";
import { runOptions, type OnOom } from "../server";
import { ask } from "../ui/question";
import { download } from "../documents/downloading";
import { layout } from "./layout";
import { host } from "./pageHost";

/** What is done with a document less often. */
export function MoreMenu({ onSaveAs }: { onSaveAs(): void }) {
  const file = useRef<HTMLInputElement>(null);
  const open = (button: HTMLElement) => {
    const closed = editor.getState().closed.at(-1);
    openMenuBelow(button, [
      layout.getState().view === "graph" ? [{ label: "Add a node", keys: "Space", run: COMMANDS.add.run }] : [],
      [
        { label: "Save as …", run: onSaveAs },
        { label: "Open a file …", run: () => file.current?.click() },
        { label: "Download as JSON", run: download },
        ...(closed ? [{ label: `Open “${titleOf(closed)}” again`, run: () => reopen() }] : []),
      ],
      [
        { label: "Change the title …", run: () => void retitle() },
        { label: "Tidy up", keys: "L", run: tidy },
      ],
      [{ label: "When memory does not suffice …", run: () => openMenuBelow(button, [choices()]) }],
      [{ label: "Keyboard shortcuts", keys: "?", run: () => help.setState({ open: true }) }],
    ]);
  };
  return (
    <>
      <button
        type="button"
        className="icon"
        aria-label="More"
        aria-haspopup="menu"
        onClick={(event) => open(event.currentTarget)}
      >
        ⋯
      </button>
      <input
        ref={file}
        type="file"
        hidden
        accept=".json,application/json,image/png,image/jpeg,image/webp"
        onChange={({ target }) => {
          void takeFiles(host, [...(target.files ?? [])], { x: -1, y: -1 });
          target.value = "";
        }}
      />
    </>
  );
}

const CHOICES: readonly (readonly [OnOom | null, string])[] = [
  [null, "Do what the server does"],
  ["degrade", "Make it fit"],
  ["fail", "Fail"],
];

/** What runs ask for where memory does not suffice. */
function choices(): MenuItem[] {
  const { onOom } = runOptions.getState();
  return CHOICES.map(([option, label]) => ({
    label,
    ...(option === onOom ? { hint: "✓" } : {}),
    run: () => choose(option),
  }));
}

function choose(onOom: OnOom | null) {
  runOptions.setState({ onOom });
  void explainAgain();
}

async function retitle() {
  const now = shown();
  if (!now) return;
  const text = await ask({ title: "Title", label: "Title of the workflow", value: titleOf(now) });
  if (text) edit("change the title", (workflow) => setTitle(workflow, text));
}
