/** What jsdom lacks of a browser, for the tests. */

import { Blob, File } from "node:buffer";

import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

// jsdom's own can be neither read nor streamed.
Object.assign(globalThis, { Blob, File });

URL.createObjectURL ??= () => "blob:nothing";
URL.revokeObjectURL ??= () => undefined;

HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
  this.open = true;
};
HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
  this.open = false;
};

afterEach(cleanup);
