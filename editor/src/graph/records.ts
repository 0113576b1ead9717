/** Records by name and lists, changed by copying; and equality as JSON. */

/** Look a name up without finding what every object inherits (`constructor` is a fine name). */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** Build a record from the entries of another; the order stays. */
export function mapRecord<T, U>(
  record: Readonly<Record<string, T>>,
  change: (value: T, key: string) => U | undefined,
): Record<string, U> {
  // Not by assignment: `__proto__` is a key like any other.
  return Object.fromEntries(
    Object.entries(record).flatMap(([key, value]): [string, U][] => {
      const next = change(value, key);
      return next === undefined ? [] : [[key, next]];
    }),
  );
}

/** Copy a record without some of its keys; the same record where it has none of them. */
export function without<T>(
  record: Readonly<Record<string, T>>,
  keys: ReadonlySet<string>,
): Readonly<Record<string, T>> {
  if (!Object.keys(record).some((key) => keys.has(key))) return record;
  return mapRecord(record, (value, key) => (keys.has(key) ? undefined : value));
}

/** Whether two values would be the same JSON, whatever the order of keys. */
export function same(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== "object" || typeof right !== "object" || !left || !right) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const first = left as Record<string, unknown>;
  const second = right as Record<string, unknown>;
  const keys = Object.keys(first);
  if (keys.length !== Object.keys(second).length) return false;
  return keys.every((key) => Object.hasOwn(second, key) && same(first[key], second[key]));
}

/** The same record with one key spelled otherwise, at its old place. */
export function withKey<T>(
  record: Readonly<Record<string, T>>,
  old: string,
  key: string,
): Readonly<Record<string, T>> {
  if (!Object.hasOwn(record, old)) return record;
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name === old ? key : name, value]),
  );
}

/** A list with the item at `from` moved to `to`. */
export function reordered<T>(list: readonly T[], from: number, to: number): T[] {
  const items = [...list];
  items.splice(to, 0, ...items.splice(from, 1));
  return items;
}
