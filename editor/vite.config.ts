import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `nodegraph serve` on its usual port; the page itself comes from Vite while one develops.
const SERVER = process.env["NODEGRAPH_SERVER"] ?? "http://127.0.0.1:8188";

export default defineConfig({
  plugins: [react()],
  // Relative addresses: the page also works behind a prefix.
  base: "./",
  build: {
    target: "es2022",
    license: { fileName: "THIRD_PARTY_LICENSES.md" },
    // Nothing is inlined as a data: address, so the page's content policy can stay strict.
    assetsInlineLimit: 0,
  },
  server: {
    proxy: {
      // The server answers only its own page: what comes from here says that it is.
      "/v1": { target: SERVER, ws: true, changeOrigin: true, headers: { origin: SERVER } },
    },
  },
});
