import { useStore } from "zustand";

import { Dialog } from "../ui/Dialog";
import { allCommands } from "./commands";
import { help } from "./help";
import { spelledKeys } from "../ui/keys";

/** What the pointer does, for which there is no key. */
const GESTURES = [
  ["Double click the canvas", "Add a node"],
  ["Drop a wire on the canvas", "Add a node that fits it"],
  ["Drop a wire on a node", "Connect it with the first input that fits"],
  ["Shift + drop a wire on an input", "Add it to the wires there"],
  ["Drag a wire's end away", "Remove it, or let it end elsewhere"],
  [`Shift or ${spelledKeys("Mod")} + click a node`, "Choose it too, or no more"],
  ["Shift + drag", "Select an area"],
  ["Alt + drag a node", "Drag a copy"],
  ["Rest a finger on it", "Open its menu"],
] as const;

/** Every shortcut there is. */
export function HelpDialog() {
  const { open } = useStore(help);
  if (!open) return null;
  const close = () => help.setState({ open: false });
  return (
    <Dialog title="Keyboard shortcuts" className="help" onClose={close}>
      <h2>Keyboard shortcuts</h2>
      <div className="help-columns">
        {(["Run", "Edit", "Nodes", "View"] as const).map((section) => (
          <section key={section}>
            <h3>{section}</h3>
            <dl>
              {allCommands()
                .filter((command) => command.section === section)
                .map(({ label, keys }) => (
                  <div key={label}>
                    <dt>{label}</dt>
                    <dd>
                      {keys.map((key) => (
                        <kbd key={key}>{spelledKeys(key)}</kbd>
                      ))}
                    </dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>Pointer</h3>
          <dl>
            {GESTURES.map(([gesture, effect]) => (
              <div key={gesture}>
                <dt>{effect}</dt>
                <dd>{gesture}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
      <div className="buttons">
        <button type="button" onClick={close} autoFocus>
          Close
        </button>
      </div>
    </Dialog>
  );
}
