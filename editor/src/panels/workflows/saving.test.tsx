import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test, vi } from "vitest";

import { type Host, HostProvider, type Saved } from "../host";
import { freeName, nameFor, namedBy, whyNoName } from "./name";
import { useSaving } from "./useSaving";

const DOCUMENT = { format: 1, nodes: { a: { type: "Canny" } } };
const ENTRY = { name: "mine", title: "Mine", shipped: false, version: "v2", modified: 1, params: [], results: [] };

let last = 0;
let id: string;
let open: Record<string, Saved>;
let asked: { line: string; headers: Record<string, string> }[];
/** What the server has as `mine`. */
let there: { version: string; workflow: object };
/** Answers that get lost on their way. */
let lost: number;

const host = {
  document: (id: string) => (open[id] ? { saved: open[id], workflow: DOCUMENT } : null),
  saved: vi.fn((id: string, { name, version }: { name: string; version: string }) => {
    open = { ...open, [id]: { ...(open[id] as Saved), name, version, shipped: false } };
  }),
  open: vi.fn(),
  say: vi.fn(),
};

/** A server that keeps `mine`. */
function serve() {
  asked = [];
  lost = 0;
  there = { version: "v2", workflow: { format: 1 } };
  vi.stubGlobal("fetch", (path: string, request: RequestInit) => {
    const headers = request.headers as Record<string, string>;
    asked.push({ line: `${request.method} ${path}`, headers });
    if (request.method === "GET" && path.endsWith("/workflows")) return answer(200, { workflows: [ENTRY] });
    if (request.method === "GET") return answer(200, { ...ENTRY, ...there });
    const fits = headers["If-Match"] === `"${there.version}"` || (headers["If-None-Match"] && !path.endsWith("/mine"));
    if (!fits) {
      const error = { code: "changed_meanwhile", message: "it was changed", problems: [] };
      return answer(412, { error });
    }
    there = { version: `v${Number(there.version.slice(1)) + 1}`, workflow: JSON.parse(request.body as string) as object };
    if (lost-- > 0) return Promise.reject(new TypeError("the connection was closed"));
    const name = decodeURIComponent(path.split("/").at(-1) ?? "");
    return answer(200, { ...ENTRY, name, ...there });
  });
}

function answer(status: number, body: object) {
  return Promise.resolve(new Response(JSON.stringify(body), { status }));
}

function Page({ id }: { readonly id: string }) {
  const { save, element } = useSaving();
  return (
    <>
      <button type="button" onClick={() => void save(id)}>
        Save it
      </button>
      {element}
    </>
  );
}

async function save(saved: Saved) {
  // A document of its own: a dialog offers again what was left in it.
  id = `document ${++last}`;
  open = { [id]: saved };
  render(
    <HostProvider value={host as unknown as Host}>
      <Page id={id} />
    </HostProvider>,
  );
  await userEvent.click(screen.getByRole("button", { name: "Save it" }));
}

const puts = () => asked.filter(({ line }) => line.startsWith("PUT")).map(({ headers }) => headers);

beforeEach(() => {
  host.saved.mockClear();
  host.say.mockClear();
  serve();
});

const MINE: Saved = { title: "Mine", name: "mine", version: "v2", shipped: false };

describe("saving", () => {
  test("replaces the version that was opened, and no other", async () => {
    await save(MINE);

    await waitFor(() => expect(host.saved).toHaveBeenCalledWith(id, { name: "mine", version: "v3" }, DOCUMENT));
    expect(puts()[0]).toMatchObject({ "If-Match": '"v2"' });
  });

  test("twice in a row replaces what was just saved", async () => {
    await save(MINE);
    await userEvent.click(screen.getByRole("button", { name: "Save it" }));

    await waitFor(() => expect(host.saved).toHaveBeenCalledTimes(2));
    expect(puts().map((headers) => headers["If-Match"])).toEqual(['"v2"', '"v3"']);
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  test("asks for a name where there is none, and offers one that is free", async () => {
    await save({ title: "Mine", name: null, version: null, shipped: false });

    const name = screen.getByLabelText("Name");
    await waitFor(() => expect((name as HTMLInputElement).value).toBe("mine-2"));
    await userEvent.click(screen.getByRole("button", { name: "Save" }));

    await waitFor(() => expect(host.saved).toHaveBeenCalled());
    expect(puts()[0]).toMatchObject({ "If-None-Match": "*" });
  });

  test.each(["My portraits", "porträt-1", "肖像", "Πορτρέτα", "50 %: a \"new\" one?"])(
    "takes “%s” for a name",
    async (name) => {
      await save({ title: "Free", name: null, version: null, shipped: false });
      const field = screen.getByLabelText("Name");
      await userEvent.clear(field);
      await userEvent.type(field, `  ${name} {Enter}`);

      await waitFor(() => expect(host.saved).toHaveBeenCalledWith(id, { name, version: "v3" }, DOCUMENT));
      expect(asked.map(({ line }) => line)).toContain(`PUT /v1/workflows/${encodeURIComponent(name)}`);
    },
  );

  test("says where it is typed what cannot be a name, and asks nobody", async () => {
    await save({ title: "Slash", name: null, version: null, shipped: false });
    const field = screen.getByLabelText("Name");
    await userEvent.clear(field);
    await userEvent.type(field, "a/b{Enter}");

    expect(screen.getByText("This cannot be a name: it has a / or a \\, which would be a folder.")).toBeTruthy();
    expect(field.getAttribute("aria-invalid")).toBe("true");
    expect(puts()).toEqual([]);
  });

  test("makes a copy of a shipped workflow", async () => {
    await save({ title: "Canny portraits", name: "canny-portraits", version: "v1", shipped: true });

    expect((screen.getByLabelText("Name") as HTMLInputElement).value).toBe("canny-portraits");
    expect(puts()).toEqual([]);
  });

  test("explains a version that was changed meanwhile, and replaces it only when told to", async () => {
    await save({ ...MINE, version: "v1" });

    await screen.findByText("mine was changed meanwhile");
    expect(host.saved).not.toHaveBeenCalled();
    await userEvent.click(screen.getByRole("button", { name: "Replace it by mine" }));

    await waitFor(() => expect(host.saved).toHaveBeenCalledWith(id, { name: "mine", version: "v3" }, DOCUMENT));
    expect(puts().map((headers) => headers["If-Match"])).toEqual(['"v1"', '"v2"']);
  });

  test("that got lost on its way is found out and is no conflict", async () => {
    lost = 1;
    await save(MINE);
    await waitFor(() => expect(host.say).toHaveBeenCalledWith("not saved: the server cannot be reached"));

    await userEvent.click(screen.getByRole("button", { name: "Save it" }));

    await waitFor(() => expect(host.saved).toHaveBeenCalledWith(id, { name: "mine", version: "v3" }, DOCUMENT));
    expect(screen.queryByRole("dialog")).toBeNull();
  });
});

test.each([
  ["Canny portraits: one picture's edges", "canny-portraits-one-picture-s-edges"],
  ["Été", "ete"],
  ["絵", "絵"],
  ["がくぶち", "がくぶち"],
  ["चित्र", "चित्र"],
  ["Портрет № 1", "портрет-no-1"],
  ["…", "workflow"],
])("a workflow titled %s is offered as %s", (title, name) => {
  expect(nameFor(title)).toBe(name);
});

test.each([
  ["a".repeat(121), "is 121 letters long; at most 120 fit"],
  ["肖".repeat(84), "takes 252 bytes as the name of a file; at most 250 fit"],
  ["...", "has no letter and no digit"],
  ["a\u2028b", "has a character that is no letter, such as the end of a line"],
  ["a\\b", "has a / or a \\, which would be a folder"],
  ["é".repeat(100), undefined],
  ["v1.5 (50 %)", undefined],
])("%s as a name: %s", (name, why) => {
  expect(whyNoName(name)).toBe(why);
});

test("blanks round a name are none of it, and a letter has one spelling", () => {
  expect(namedBy("  Cafe\u0301 ")).toBe("Café");
});

test("a taken name gets the next free number", () => {
  expect(freeName("mine", new Set(["mine", "mine-2"]))).toBe("mine-3");
});
