/** The command that a key press means. */

import { isPress, type Press } from "../ui/keys";
import type { Command } from "./commands";

/** The command of a press, if there is one. */
export function commandFor(press: Press, commands: readonly Command[]): Command | undefined {
  return commands.find(({ listed, keys }) => !listed && keys.some((key) => isPress(press, key)));
}
