import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./App";
// In the order of the cascade: the page's own rules come after those of its panels.
import "./panels/panels.css";
import "./ui/dialogs.css";
import "./ui/combobox/combobox.css";
import "./panels/form/form.css";
import "./panels/gallery/gallery.css";
import "./panels/queue/queue.css";
import "./ui/tokens.css";
import "./page/page.css";
import "./canvas/canvas.css";
import "./card/card.css";
import "./palette/palette.css";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
