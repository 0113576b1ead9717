/** Names for saving a workflow: any text. The server finds the file (`nodegraph/web/workflows/names.py`). */

/** The name under which a workflow with this title is offered to be saved: `canny-portraits`, `肖像`. */
export function nameFor(title: string): string {
  // Latin letters without their marks are easier to type; in other scripts those are letters of their own.
  const plain = title.normalize("NFKD").replace(/(\p{Script=Latin})\p{M}+/gu, "$1").normalize("NFC");
  const words = plain.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
  return shortened(words, 60) || "workflow";
}

/** The first free name: `mine`, `mine-2`, `mine-3`, … */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let number = 2;
  while (taken.has(`${name}-${number}`)) number += 1;
  return `${name}-${number}`;
}

/** The name that a text stands for: blanks round it are none of it. */
export function namedBy(text: string): string {
  return text.trim().normalize("NFC");
}

const MOST_LETTERS = 120;
const MOST_BYTES = 250;

/** Why a name cannot be one, as the server says it; undefined where it can. */
export function whyNoName(name: string): string | undefined {
  const letters = [...name].length;
  // The signs that file systems do not take are written as three.
  const bytes = new TextEncoder().encode(name.replace(/[%:*?"<>|]|^[.~]/g, "%00")).length;
  if (/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(name)) return "has a character that is no letter, such as the end of a line";
  if (/[/\\]/.test(name)) return "has a / or a \\, which would be a folder";
  if (!/[\p{L}\p{N}\p{S}\p{P}]/u.test(name.replaceAll(".", ""))) return "has no letter and no digit";
  if (letters > MOST_LETTERS) return `is ${letters} letters long; at most ${MOST_LETTERS} fit`;
  if (bytes > MOST_BYTES) return `takes ${bytes} bytes as the name of a file; at most ${MOST_BYTES} fit`;
  return undefined;
}

/** At most so many letters, none of them cut in two. */
function shortened(text: string, most: number): string {
  return [...text].slice(0, most).join("");
}
