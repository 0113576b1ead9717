import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test, vi } from "vitest";

import type { GalleryResult, Shelf } from "../../server";
import { gallery, hearGalleryEvent, loadGallery } from "../../server/gallery";
import { type Host, HostProvider } from "../host";
import { GalleryPanel } from "./GalleryPanel";

type Note = { readonly label: string; run(): void };

const host = { open: vi.fn(), say: vi.fn<(message: string, action?: Note) => void>() };

function picture(id: number, more: Partial<GalleryResult> = {}): GalleryResult {
  const size = { width: 4, height: 3, created: 0 };
  return { id, asset: `${id}.png`, job: "j", result: "grid", item: null, title: `P${id}`, trial: false, deleted: null, ...size, ...more };
}

/** A server with pictures; what is asked of it is noted. */
class Pictures {
  readonly asked: string[] = [];

  constructor(private all: GalleryResult[]) {
    vi.stubGlobal("fetch", (path: string, { method }: RequestInit) => Promise.resolve(this.answer(path, method ?? "")));
  }

  private answer(path: string, method: string): Response {
    this.asked.push(`${method} ${path}`);
    const id = Number(/results\/(\d+)/.exec(path)?.[1]);
    const on = (shelf: Shelf) => (one: GalleryResult) =>
      shelf === "bin" ? one.deleted !== null : one.deleted === null && one.trial === (shelf === "tries");
    const put = (deleted: number | null) => (this.all = this.all.map((one) => (one.id === id ? { ...one, deleted } : one)));
    if (method === "GET") {
      const shelf = (new URLSearchParams(path.split("?")[1]).get("shelf") ?? "results") as Shelf;
      return Response.json({ results: this.all.filter(on(shelf)), next: null });
    }
    if (path.endsWith("/restore")) return Response.json(put(null).find((one) => one.id === id));
    if (path.includes("forever")) this.all = this.all.filter((one) => one.id !== id);
    else put(1);
    return new Response(null, { status: 204 });
  }
}

async function show(...all: GalleryResult[]): Promise<Pictures> {
  const server = new Pictures(all);
  gallery.setState({ shelf: "results", pictures: [], next: null, loaded: false });
  await loadGallery();
  render(
    <HostProvider value={host as unknown as Host}>
      <GalleryPanel />
    </HostProvider>,
  );
  return server;
}

const names = () => screen.queryAllByRole("listitem").map((one) => one.querySelector("button")?.getAttribute("aria-label"));

const press = (name: string) => userEvent.click(screen.getByRole("button", { name }));

beforeEach(() => {
  host.open.mockReset();
  host.say.mockReset();
});

describe("the gallery", () => {
  test("puts a deleted picture into the bin, goes on to the next, and takes it back", async () => {
    await show(picture(3), picture(2), picture(1));
    await press("P3, grid");

    await press("Delete");
    await waitFor(() => expect(names()).toEqual(["P2, grid", "P1, grid"]));
    expect(screen.getByRole("dialog").getAttribute("aria-label")).toBe("P2, grid");
    const [message, undo] = host.say.mock.calls[0] ?? [];
    expect(message).toMatch(/^Deleted: P3, grid\. It stays in the bin/);
    undo?.run();

    await waitFor(() => expect(names()).toEqual(["P3, grid", "P2, grid", "P1, grid"]));
  });

  test("deletes by key what is shown in full size", async () => {
    const server = await show(picture(2), picture(1));
    await press("P1, grid");

    fireEvent.keyDown(screen.getByRole("dialog").querySelector(".lightbox-frame") as Element, { key: "Delete" });

    await waitFor(() => expect(names()).toEqual(["P2, grid"]));
    expect(server.asked).toContain("DELETE /v1/results/1");
  });

  test("keeps tries apart, and lets what is in the bin be put back or go for good", async () => {
    await show(picture(4), picture(3, { trial: true }), picture(2, { deleted: 1 }), picture(1, { deleted: 1 }));
    expect(names()).toEqual(["P4, grid"]);

    await press("Tries");
    await waitFor(() => expect(names()).toEqual(["P3, grid"]));
    await press("Bin");
    await waitFor(() => expect(names()).toEqual(["P2, grid", "P1, grid"]));
    await press("P2, grid");
    await press("Put back");
    await waitFor(() => expect(names()).toEqual(["P1, grid"]));
    await press("Delete for good");
    await waitFor(() => expect(names()).toEqual([]));
    await press("Results");

    await waitFor(() => expect(names()).toEqual(["P4, grid", "P2, grid"]));
  });

  test("goes on showing the same picture when a new one comes", async () => {
    await show(picture(1));
    await press("P1, grid");

    new Pictures([picture(2), picture(1)]);
    hearGalleryEvent({ type: "event", seq: 1, job: "j", time: 0, kind: "job.failed", data: { problems: [], results: [] } });

    await waitFor(() => expect(names()).toEqual(["P2, grid", "P1, grid"]));
    expect(screen.getByRole("dialog").getAttribute("aria-label")).toBe("P1, grid");
  });

  test("leaves out what another tab deletes", async () => {
    await show(picture(2), picture(1));

    hearGalleryEvent({ type: "event", seq: 1, job: null, time: 0, kind: "result.deleted", data: { id: 2, forever: false } });

    await waitFor(() => expect(names()).toEqual(["P1, grid"]));
  });

  test("opens the graph that a picture carries where its job is gone", async () => {
    await show(picture(1, { asset: "a.json" }));
    await press("P1, grid");
    vi.stubGlobal("fetch", (path: string) =>
      path.includes("/jobs/") ? Promise.reject(new Error("it is gone")) : Promise.resolve(Response.json({ nodes: {} })),
    );

    await press("Open its graph");

    await waitFor(() => expect(host.open).toHaveBeenCalledWith({ nodes: {} }, { kind: "file", file: "a.json" }));
  });
});
