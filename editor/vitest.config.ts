import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.{ts,tsx}"],
    environment: "jsdom",
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
    // One worker for all files: starting one takes longer than most of them run.
    pool: "threads",
    isolate: false,
    maxWorkers: 1,
  },
});
