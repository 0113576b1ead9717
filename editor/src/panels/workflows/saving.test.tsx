import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test, vi } from "vitest";

import { type Host, HostProvider } from "../host";
import { freeName, nameFor } from "./name";
import { type Saved, useSaving } from "./useSaving";

const DOCUMENT = { nodes: {} };
const host = { workflow: () => DOCUMENT, saved: vi.fn(), open: vi.fn(), say: vi.fn() };
const ENTRY = { name: "mine", title: "Mine", shipped: false, version: "v2", modified: 1, params: [], results: [] };

let asked: { line: string; headers: Record<string, string> }[];

/** A server that keeps `mine` in version v2. */
function serve() {
  asked = [];
  vi.stubGlobal("fetch", (path: string, request: RequestInit) => {
    const headers = request.headers as Record<string, string>;
    asked.push({ line: `${request.method} ${path}`, headers });
    if (request.method === "GET") return answer(200, { workflows: [ENTRY] });
    const fits = headers["If-Match"] === '"v2"' || headers["If-None-Match"] === "*";
    if (fits) return answer(200, { ...ENTRY, version: "v3", workflow: DOCUMENT });
    const error = { code: "changed_meanwhile", message: "it was changed", problems: [] };
    return answer(412, { error });
  });
}

function answer(status: number, body: object) {
  return Promise.resolve(new Response(JSON.stringify(body), { status }));
}

function Page(saved: Saved) {
  const { save, element } = useSaving(saved);
  return (
    <>
      <button type="button" onClick={() => void save()}>
        Save it
      </button>
      {element}
    </>
  );
}

async function save(saved: Saved) {
  render(
    <HostProvider value={host as unknown as Host}>
      <Page {...saved} />
    </HostProvider>,
  );
  await userEvent.click(screen.getByRole("button", { name: "Save it" }));
}

const puts = () => asked.filter(({ line }) => line.startsWith("PUT")).map(({ headers }) => headers);

beforeEach(() => {
  host.saved.mockReset();
  serve();
});

describe("saving", () => {
  test("replaces the version that was opened, and no other", async () => {
    await save({ title: "Mine", name: "mine", version: "v2", shipped: false });

    await waitFor(() => expect(host.saved).toHaveBeenCalledWith({ name: "mine", version: "v3" }, DOCUMENT));
    expect(puts()[0]).toMatchObject({ "If-Match": '"v2"' });
  });

  test("asks for a name where there is none, and offers one that is free", async () => {
    await save({ title: "Mine", name: null, version: null, shipped: false });

    const name = screen.getByLabelText("Name");
    await waitFor(() => expect((name as HTMLInputElement).value).toBe("mine-2"));
    await userEvent.click(screen.getByRole("button", { name: "Save" }));

    await waitFor(() => expect(host.saved).toHaveBeenCalled());
    expect(puts()[0]).toMatchObject({ "If-None-Match": "*" });
  });

  test("makes a copy of a shipped workflow", async () => {
    await save({ title: "Canny portraits", name: "canny-portraits", version: "v1", shipped: true });

    expect((screen.getByLabelText("Name") as HTMLInputElement).value).toBe("canny-portraits");
    expect(puts()).toEqual([]);
  });

  test("explains a version that was changed meanwhile, and replaces it only when told to", async () => {
    await save({ title: "Mine", name: "mine", version: "v1", shipped: false });

    await screen.findByText("mine was changed meanwhile");
    expect(host.saved).not.toHaveBeenCalled();
    await userEvent.click(screen.getByRole("button", { name: "Replace it by mine" }));

    await waitFor(() => expect(host.saved).toHaveBeenCalledWith({ name: "mine", version: "v3" }, DOCUMENT));
    expect(puts().map((headers) => headers["If-Match"])).toEqual(['"v1"', '"v2"']);
  });
});

test.each([
  ["Canny portraits: one picture's edges", "canny-portraits-one-picture-s-edges"],
  ["Été", "ete"],
  ["絵", "workflow"],
])("a workflow titled %s is offered as %s", (title, name) => {
  expect(nameFor(title)).toBe(name);
});

test("a taken name gets the next free number", () => {
  expect(freeName("mine", new Set(["mine", "mine-2"]))).toBe("mine-3");
});
