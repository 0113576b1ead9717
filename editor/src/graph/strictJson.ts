/** JSON as the server reads it: a name given twice is a mistake, where `JSON.parse` drops the first. */
export function parseStrictly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const name = repeatedName(text);
  if (name !== null) throw new SyntaxError(`${JSON.stringify(name)} is given twice in one object`);
  return value;
}

const SPACE = /\s/;

/** The first name that an object of valid JSON has twice. */
function repeatedName(text: string): string | null {
  const scopes: (Set<string> | null)[] = []; // null for an array
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (sign === "{") scopes.push(new Set());
    else if (sign === "[") scopes.push(null);
    else if (sign === "}" || sign === "]") scopes.pop();
    else if (sign === '"') {
      const end = endOfString(text, at);
      const names = scopes.at(-1);
      if (names && isName(text, end)) {
        const name = JSON.parse(text.slice(at, end)) as string;
        if (names.has(name)) return name;
        names.add(name);
      }
      at = end - 1;
    }
  }
  return null;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function isName(text: string, end: number): boolean {
  let at = end;
  while (SPACE.test(text.charAt(at))) at++;
  return text[at] === ":";
}
