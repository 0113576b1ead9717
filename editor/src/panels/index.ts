import "./panels.css";
import "./dialogs.css";
import "./combobox/combobox.css";
import "./form/form.css";
import "./gallery/gallery.css";
import "./queue/queue.css";

export { ConnectionBanner } from "./ConnectionBanner";
export { DropHint } from "./drop/DropHint";
export { takeFiles } from "./drop/useFileDrop";
export { FormPanel } from "./form/FormPanel";
export { GalleryPanel } from "./gallery/GalleryPanel";
export { type Host, HostProvider, type Origin, type Stored, useHost } from "./host";
export { ProblemsPanel } from "./ProblemsPanel";
export { QueuePanel } from "./queue/QueuePanel";
export { TokenDialog } from "./TokenDialog";
export { usePicture } from "./usePicture";
export { type Saved, useSaving } from "./workflows/useSaving";
export { openStored, WorkflowsPanel } from "./workflows/WorkflowsPanel";
