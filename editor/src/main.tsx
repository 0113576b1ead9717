import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./App";
import "./tokens.css";
import "./styles/page.css";
import "./styles/canvas.css";
import "./styles/card.css";
import "./styles/palette.css";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
