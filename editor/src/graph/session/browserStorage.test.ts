import { expect, test, vi } from "vitest";

import { localKeep, putText, tabKeep } from "./browserStorage";

test("where storage is forbidden, nothing is kept but what the page needs for itself", () => {
  for (const name of ["localStorage", "sessionStorage"] as const) {
    vi.spyOn(globalThis, name, "get").mockImplementation(() => {
      throw new DOMException("it is forbidden", "SecurityError");
    });
  }

  expect(putText(localKeep(), "a", "b")).toBe(false);
  expect(localKeep().getItem("a")).toBeNull();
  expect(putText(tabKeep(), "a", "b")).toBe(true);
  expect(tabKeep().getItem("a")).toBe("b");
});
